// Package templates holds the pages that people see, and the style sheet, scripts and pictures that belong to them, all
// embedded in the program.
//
// Each page is one file, filled from one struct with its name: in pages/ what people meet who sign in, in admin/ the
// administration and "My account", which have a frame of their own and share the parts in admin/parts.html. The pages need no script to work, no inline script
// or style, and nothing from another host. The package decides nothing and knows no HTTP: it is handed what to show.
package templates

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	syntax "text/template/parse"
	"time"
)

//go:embed pages/*.html
var pageFiles embed.FS

// The type of a page chooses its file.
var pages = map[string]any{
	"consent":   Consent{},
	"device":    Device{},
	"form_post": FormPost{Action: "https://zero.invalid/"},
	"home":      Home{},
	"login":     Login{},
	"logout":    Logout{},
	"message":   Message{},
	"setup":     Setup{},
}

// Pages are the parsed pages, safe for use by many goroutines once Now is set.
type Pages struct {
	Now    func() time.Time // what "3 hours ago" is counted from
	byType map[reflect.Type]placed
}

// placed is a page in the set of its layout. All pages of a layout are one set, so that the parts that they share are kept
// once: a clone of the set for each page would be many times as large as all pages together.
type placed struct {
	set   func() (*template.Template, error) // parses it when it is asked for the first time
	name  string                             // of its file
	empty any                                // as empty as it may be rendered
}

// New gives pages that are parsed when the first of their layout is shown: that takes as long as the rest of the start of a
// server. They are part of the program, and Parse finds in its tests whatever is wrong with them.
func New() *Pages {
	p := &Pages{Now: time.Now, byType: make(map[reflect.Type]placed)}
	p.add(func() (*template.Template, error) { return p.layout().ParseFS(pageFiles, "pages/layout.html") }, pageFiles, "pages/", pages)
	p.add(p.adminLayout, adminFiles, "admin/", adminPages())
	return p
}

// Parse parses every page at once and renders each.
func Parse() (*Pages, error) {
	p := New()
	return p, p.check()
}

func (p *Pages) check() error {
	for _, page := range p.byType {
		if err := p.Render(io.Discard, page.empty); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pages) layout() *template.Template {
	return template.New("layout").Funcs(functions).Funcs(template.FuncMap{"ago": p.ago, "part": p.part})
}

// add takes the pages in a folder, by the names of their files.
func (p *Pages) add(layout func() (*template.Template, error), files embed.FS, folder string, pages map[string]any) {
	set := sync.OnceValues(func() (*template.Template, error) {
		layout, err := layout()
		if err != nil {
			return nil, fmt.Errorf("parse the layout in %s: %w", folder, err)
		}
		for name := range pages {
			if err := parsePage(layout, files, folder, name); err != nil {
				return nil, fmt.Errorf("parse page %s: %w", name, err)
			}
		}
		return layout, nil
	})
	for name, empty := range pages {
		p.byType[reflect.TypeOf(empty)] = placed{set, name, empty}
	}
}

// pageParts are what a page may define under names that all pages have; the layout calls them by {{part}}.
var pageParts = []string{"title", "script", "me", "content"}

// parsePage adds what a file defines to the set of its layout: its parts under names that begin with the page, the rest
// as it is called.
func parsePage(layout *template.Template, files embed.FS, folder, name string) error {
	text, err := files.ReadFile(folder + name + ".html")
	if err != nil {
		return err
	}
	defined := map[string]*syntax.Tree{}
	tree := syntax.New(name)
	tree.Mode = syntax.SkipFuncCheck // which the set does
	if _, err := tree.Parse(string(text), "", "", defined); err != nil {
		return err
	}
	for block, tree := range defined {
		switch {
		case slices.Contains(pageParts, block):
			block = name + "/" + block
		case block == name: // what stands outside of every definition: blanks
			continue
		case layout.Lookup(block) != nil:
			return fmt.Errorf("%q is defined elsewhere, too", block)
		}
		if _, err := layout.AddParseTree(block, tree); err != nil {
			return err
		}
	}
	return nil
}

// part renders a part of a page for its layout; one that the page does not define is that of the layout, or nothing.
func (p *Pages) part(name string, page any) (template.HTML, error) {
	of := p.byType[reflect.TypeOf(page)]
	set, err := of.set()
	if err != nil {
		return "", err
	}
	t := set.Lookup(of.name + "/" + name)
	if t == nil {
		t = set.Lookup("any/" + name)
	}
	if t == nil {
		return "", nil
	}
	var out strings.Builder
	err = t.Execute(&out, page)
	return template.HTML(out.String()), err //nolint:gosec // it comes out of html/template
}

// Render writes the page that belongs to the type of page. It writes nothing when it fails.
func (p *Pages) Render(w io.Writer, page any) error {
	of, found := p.byType[reflect.TypeOf(page)]
	if !found {
		return fmt.Errorf("render page: there is none for %T", page)
	}
	set, err := of.set()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := set.ExecuteTemplate(&out, "layout", page); err != nil {
		return fmt.Errorf("render page %T: %w", page, err)
	}
	if _, err := out.WriteTo(w); err != nil {
		return fmt.Errorf("write page %T: %w", page, err)
	}
	return nil
}
