// Package templates holds the pages that people see, and the style sheet, scripts and pictures that belong to them, all
// embedded in the program.
//
// Each page is one file in pages/, filled from one struct with its name. The pages need no script to work, no inline script
// or style, and nothing from another host. The package decides nothing and knows no HTTP: it is handed what to show.
package templates

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"reflect"
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

// Pages are the parsed pages, safe for use by many goroutines.
type Pages struct {
	byType map[reflect.Type]*template.Template
}

// Parse parses every page and renders it once, so that a fault in a page shows at start and not at its first visitor.
func Parse() (*Pages, error) {
	layout, err := template.New("layout").Funcs(functions).ParseFS(pageFiles, "pages/layout.html")
	if err != nil {
		return nil, fmt.Errorf("parse page layout: %w", err)
	}
	p := &Pages{byType: make(map[reflect.Type]*template.Template)}
	for name, empty := range pages {
		page, err := parsePage(layout, name)
		if err != nil {
			return nil, err
		}
		p.byType[reflect.TypeOf(empty)] = page
		if err := p.Render(io.Discard, empty); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func parsePage(layout *template.Template, name string) (*template.Template, error) {
	page, err := layout.Clone()
	if err != nil {
		return nil, fmt.Errorf("parse page %s: %w", name, err)
	}
	if _, err := page.ParseFS(pageFiles, "pages/"+name+".html"); err != nil {
		return nil, fmt.Errorf("parse page %s: %w", name, err)
	}
	return page, nil
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
