package templates

import (
	"io/fs"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	colour   = regexp.MustCompile(`--([a-z0-9-]+): #([0-9a-f]{6});`)
	variable = regexp.MustCompile(`var\(--([a-z0-9-]+)\)`)
	defined  = regexp.MustCompile(`--([a-z0-9-]+):`)
)

func TestColoursKeepTheirContrast(t *testing.T) {
	light, dark := schemes(t)
	for scheme, colours := range map[string]map[string]string{"light": light, "dark": dark} {
		text := [][2]string{
			{"text", "ground"}, {"text", "line"}, {"text", "info-ground"}, {"link", "ground-deep"}, {"link", "info-ground"}, {"muted", "info-ground"}, {"bad", "info-ground"}, {"text", "ground-deep"}, {"text", "card"}, {"text", "sunken"},
			{"muted", "ground"}, {"muted", "ground-deep"}, {"muted", "card"}, {"muted", "sunken"},
			{"link", "card"}, {"link", "ground"}, {"link", "sunken"},
			{"on-accent", "accent"}, {"on-accent", "accent-strong"},
			{"new", "new-ground"}, {"bad", "bad-ground"}, {"bad", "card"}, {"bad", "ground"}, {"bad", "sunken"},
			{"good", "good-ground"}, {"info", "info-ground"}, {"on-danger", "danger"}, {"on-danger", "danger-strong"},
		}
		for _, pair := range text {
			requireContrast(t, scheme, colours, pair, 4.5)
		}
		// WCAG 2.2, 1.4.11: what a control is recognised by, and the mark of the focus.
		for _, pair := range [][2]string{{"edge", "card"}, {"edge", "sunken"}, {"ring", "card"}, {"ring", "ground"}, {"ring", "sunken"}, {"accent", "card"}, {"bad-edge", "card"}, {"good-edge", "card"}, {"info-edge", "card"}, {"danger", "card"},
			{"series-1", "card"}, {"series-2", "card"}, {"series-3", "card"}, {"series-4", "card"}, {"series-5", "card"}, {"series-6", "card"}} {
			requireContrast(t, scheme, colours, pair, 3)
		}
	}
}

func requireContrast(t *testing.T, scheme string, colours map[string]string, pair [2]string, least float64) {
	t.Helper()
	front, ground := colours[pair[0]], colours[pair[1]]
	if front == "" || ground == "" {
		t.Fatalf("%s: %s or %s is not a colour", scheme, pair[0], pair[1])
	}
	a, b := luminance(front), luminance(ground)
	if ratio := (math.Max(a, b) + 0.05) / (math.Min(a, b) + 0.05); ratio < least {
		t.Errorf("%s: %s on %s has a contrast of %.2f, less than %.1f", scheme, pair[0], pair[1], ratio, least)
	}
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(rgb string) float64 {
	n, _ := strconv.ParseUint(rgb, 16, 32) // six hex digits by the expression that found them
	part := func(shift uint) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}

func schemes(t *testing.T) (light, dark map[string]string) {
	t.Helper()
	sheet := read(t, "grantor.css")
	bright, rest, found := strings.Cut(sheet, "@media (prefers-color-scheme: dark)")
	if !found {
		t.Fatal("there is no dark scheme")
	}
	night, _, _ := strings.Cut(rest, "}")
	light, dark = coloursOf(bright), coloursOf(night)
	for name := range light {
		if dark[name] == "" {
			t.Errorf("colour %s is missing in the dark scheme", name)
		}
	}
	return light, dark
}

func coloursOf(css string) map[string]string {
	found := make(map[string]string)
	for _, match := range colour.FindAllStringSubmatch(css, -1) {
		found[match[1]] = match[2]
	}
	return found
}

func TestStyleSheetsStandOnTheirOwn(t *testing.T) {
	sheet := read(t, "grantor.css") + read(t, "admin.css")
	for _, word := range []string{"url(", "@import", "http:", "https:", "expression("} {
		if strings.Contains(sheet, word) {
			t.Errorf("the style sheet contains %q", word)
		}
	}
	known := make(map[string]bool)
	for _, match := range defined.FindAllStringSubmatch(sheet, -1) {
		known[match[1]] = true
	}
	used := make(map[string]bool)
	for _, match := range variable.FindAllStringSubmatch(sheet, -1) {
		used[match[1]] = true
		if !known[match[1]] {
			t.Errorf("--%s is used and not defined", match[1])
		}
	}
	for name := range known {
		if !used[name] {
			t.Errorf("--%s is defined and not used", name)
		}
	}
}

func TestPicturesHaveNoScriptAndNoStyle(t *testing.T) {
	pictures, err := fs.Glob(Static(), "*.svg")
	if err != nil || len(pictures) == 0 {
		t.Fatal("no pictures", err)
	}
	for _, name := range pictures {
		for _, word := range []string{"<script", "<style", "style=", " on", "href"} {
			if strings.Contains(read(t, name), word) {
				t.Errorf("%s contains %q", name, word)
			}
		}
	}
}

func TestAssetsNameTheirVersion(t *testing.T) {
	path, err := Asset("grantor.css")
	if err != nil || path != "/static/grantor.css?v="+Version("grantor.css") || len(Version("grantor.css")) != 12 {
		t.Errorf("%q, %v", path, err)
	}
	if _, err := Asset("absent.css"); err == nil {
		t.Error("a file that does not exist has a path")
	}
	if Version("grantor.css") == Version("icon.svg") {
		t.Error("two files have one version")
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := fs.ReadFile(Static(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
