package browser

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
)

// screen is what a page is looked at on.
type screen struct {
	name          string
	width, height int64
	mobile        bool
}

var (
	wide   = screen{"wide", 1400, 900, false}
	narrow = screen{"narrow", 390, 844, true}
)

var schemes = []string{"light", "dark"}

func (b *tab) size(s screen) {
	b.t.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: s.width, Height: s.height, DeviceScaleFactor: 1, Mobile: s.mobile,
	})
}

func (b *tab) scheme(name string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name},
		{Name: "prefers-reduced-motion", Value: "reduce"}, // a colour that is on its way is nobody's
	}})
}

// look judges the page on every screen and in both schemes.
func (b *tab) look(name string) {
	b.t.Helper()
	b.lookIn(name, schemes...)
}

// lookIn judges the page on every screen, in some schemes.
func (b *tab) lookIn(name string, schemes ...string) {
	b.t.Helper()
	for _, s := range []screen{wide, narrow} {
		b.size(s)
		for i, scheme := range schemes {
			b.scheme(scheme)
			for _, fault := range b.looks() {
				b.t.Errorf("%s, %s, %s: %s", name, s.name, scheme, fault)
			}
			if i == 0 { // what depends on the scheme is the contrast, which looks judges
				b.accessible(name + ", " + s.name + ", " + scheme)
			}
			b.picture(name + "-" + s.name + "-" + scheme)
		}
	}
	b.size(wide)
}

// looks tells what is wrong with the looks of the page: what does not fit its width, is cut off at the top or at the left
// where nobody can scroll to, lies over something else, or has too little contrast to be read.
func (b *tab) looks() []string {
	b.t.Helper()
	return ask[[]string](b, `(() => {
		const faults = [], wide = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth > wide) faults.push("it scrolls sideways: " + document.documentElement.scrollWidth);
		if (document.querySelector("main").getBoundingClientRect().top + scrollY < 0) faults.push("its top is cut off");

		const channels = text => text.match(/[\d.]+/g).map(Number);
		const light = colour => {
			const [r, g, b] = colour.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
			return 0.2126 * r + 0.7152 * g + 0.0722 * b;
		};
		const ground = e => {
			for (; e; e = e.parentElement) {
				const colour = channels(getComputedStyle(e).backgroundColor);
				if (colour.length === 3 || colour[3] === 1) return colour;
			}
			return [255, 255, 255];
		};
		const contrast = e => {
			const a = light(channels(getComputedStyle(e).color)), b = light(ground(e));
			return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		};
		const hidden = e => e.closest(".sr, .skip") || !e.checkVisibility();
		const label = e => e.tagName + " " + (e.innerText ?? e.textContent).slice(0, 40);
		const scrolls = e => ["auto", "scroll", "hidden"].includes(getComputedStyle(e).overflowX) && e !== document.body && e !== document.documentElement;
		const inside = e => { // a box that keeps what is too wide to itself
			for (e = e.parentElement; e; e = e.parentElement) if (scrolls(e)) return true;
			return false;
		};
		for (const e of document.body.querySelectorAll("*")) {
			if (hidden(e)) continue;
			const box = e.getBoundingClientRect();
			if (!inside(e) && (box.left < -0.5 || box.right > wide + 0.5)) faults.push(label(e) + " sticks out");
			const speaks = e.matches("input") || [...e.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.data.trim());
			const painted = e.closest("svg, option, :disabled"); // other rules count for these
			if (speaks && !painted && contrast(e) < 4.5) faults.push(label(e) + " has a contrast of " + contrast(e).toFixed(2));
		}
		const parts = [...document.querySelectorAll(".card > *, .card form > *")].filter(e => !hidden(e) && !e.matches("form, input[type=hidden]"));
		for (const [i, e] of parts.entries()) for (const other of parts.slice(i + 1)) {
			const a = e.getBoundingClientRect(), b = other.getBoundingClientRect();
			if (!e.contains(other) && !other.contains(e) && a.bottom > b.top + 0.5 && b.bottom > a.top + 0.5 && a.right > b.left + 0.5 && b.right > a.left + 0.5)
				faults.push(label(e) + " lies over " + label(other));
		}
		return faults;
	})()`)
}

// picture writes what is seen, where somebody wants to look.
func (b *tab) picture(name string) {
	b.t.Helper()
	folder := os.Getenv("GRANTOR_TEST_SCREENSHOTS")
	if folder == "" {
		return
	}
	size := ask[[2]float64](b, `[document.documentElement.clientWidth, document.documentElement.scrollHeight]`)
	shot := call(b, page.CaptureScreenshot, page.CaptureScreenshotParams{
		CaptureBeyondViewport: new(true), Clip: &page.Viewport{Width: size[0], Height: min(size[1], 2600), Scale: 1},
	})
	b.must(os.WriteFile(filepath.Join(folder, name+".png"), shot.Data, 0o600), "write a picture")
}

// luminance is how light a colour of the page is, between 0 and 765.
func (b *tab) luminance(selector, property string) float64 {
	b.t.Helper()
	return ask[float64](b, `getComputedStyle(document.querySelector(%s))[%s].match(/[\d.]+/g).slice(0, 3).reduce((sum, v) => sum + Number(v), 0)`,
		selector, property)
}

func TestPagesFollowTheSchemeOfTheDevice(t *testing.T) {
	t.Parallel()
	b := open(t, shared(t), withoutScripts)
	b.visit("/login")
	for _, scheme := range schemes {
		b.scheme(scheme)
		text, card := b.luminance("h1", "color"), b.luminance(".card", "backgroundColor")
		if dark := text > card; dark != (scheme == "dark") {
			t.Errorf("%s: the text has %v and the card %v", scheme, text, card)
		}
	}
}
