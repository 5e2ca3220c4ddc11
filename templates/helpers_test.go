package templates

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"

	"golang.org/x/net/html"
)

var errBroken = errors.New("broken")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func typeName(v any) string { return fmt.Sprintf("%T", v) }

// parsed is every page; a hundred tests need not each parse them.
var parsed = sync.OnceValues(withDemonstration)

func parse(t *testing.T) *Pages {
	t.Helper()
	p, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func render(t *testing.T, page any) *html.Node {
	t.Helper()
	var out bytes.Buffer
	if err := parse(t).Render(&out, page); err != nil {
		t.Fatal(err)
	}
	document, err := html.Parse(&out)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func all(document *html.Node, element string) (found []*html.Node) {
	for node := range document.Descendants() {
		if node.Type == html.ElementNode && node.Data == element {
			found = append(found, node)
		}
	}
	return found
}

func find(document *html.Node, element string) *html.Node {
	found := all(document, element)
	if len(found) == 0 {
		return &html.Node{}
	}
	return found[0]
}

func withAttribute(document *html.Node, key, value string) (found []*html.Node) {
	for node := range document.Descendants() {
		if attribute(node, key) == value {
			found = append(found, node)
		}
	}
	return found
}

func named(t *testing.T, document *html.Node, name string) *html.Node {
	t.Helper()
	found := withAttribute(document, "name", name)
	if len(found) != 1 {
		t.Fatalf("%d fields have the name %s", len(found), name)
	}
	return found[0]
}

func attribute(node *html.Node, key string) string {
	for _, a := range node.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(node *html.Node, key string) bool {
	for _, a := range node.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}
