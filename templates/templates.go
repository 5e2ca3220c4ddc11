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
	"time"
)

//go:embed pages/*.html
var pageFiles embed.FS

// The type of a page chooses its file.
var pages = map[string]any{
	"consent":   Consent{},
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
	byType map[reflect.Type]*template.Template
}

// Parse parses every page and renders it once, so that a fault in a page shows at start and not at its first visitor.
func Parse() (*Pages, error) {
	p := &Pages{Now: time.Now, byType: make(map[reflect.Type]*template.Template)}
	layout, err := template.New("layout").Funcs(functions).ParseFS(pageFiles, "pages/layout.html")
	if err != nil {
		return nil, fmt.Errorf("parse page layout: %w", err)
	}
	if err := p.add(layout, pageFiles, "pages/", pages); err != nil {
		return nil, err
	}
	layout, err = p.adminLayout()
	if err != nil {
		return nil, fmt.Errorf("parse layout of the administration: %w", err)
	}
	if err := p.add(layout, adminFiles, "admin/", adminPages()); err != nil {
		return nil, err
	}
	return p, nil
}

// add parses the pages in a folder, by the names of their files.
func (p *Pages) add(layout *template.Template, files embed.FS, folder string, pages map[string]any) error {
	for name, empty := range pages {
		page, err := layout.Clone()
		if err != nil {
			return fmt.Errorf("parse page %s: %w", name, err)
		}
		if _, err := page.ParseFS(files, folder+name+".html"); err != nil {
			return fmt.Errorf("parse page %s: %w", name, err)
		}
		p.byType[reflect.TypeOf(empty)] = page
		if err := p.Render(io.Discard, empty); err != nil {
			return err
		}
	}
	return nil
}

// Render writes the page that belongs to the type of page. It writes nothing when it fails.
func (p *Pages) Render(w io.Writer, page any) error {
	t, found := p.byType[reflect.TypeOf(page)]
	if !found {
		return fmt.Errorf("render page: there is none for %T", page)
	}
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, "layout", page); err != nil {
		return fmt.Errorf("render page %T: %w", page, err)
	}
	if _, err := out.WriteTo(w); err != nil {
		return fmt.Errorf("write page %T: %w", page, err)
	}
	return nil
}
