package browser

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/page"

	"github.com/grantor-dev/grantor/test/authtest"
)

// photographs are the pictures of the README: name, and where the page is. Whoever changes a page much runs
// `make screenshots` and looks at the difference.
var photographs = []struct{ name, path string }{
	{"dashboard", "/admin/dashboard?period=week"},
	{"auth-clients", "/admin/auth-clients"},
	{"auth-client", "/admin/auth-clients/timesheet"},
}

// largest is how many bytes a picture may have: it is part of every copy of the source.
const largest = 300_000

// TestScreenshots runs only where GRANTOR_SCREENSHOTS names a folder for the pictures: they show things, they test none.
func TestScreenshots(t *testing.T) {
	folder := os.Getenv("GRANTOR_SCREENSHOTS")
	if folder == "" {
		return
	}
	storeURL, masterKey := livePast(t)
	server := authtest.Start(t, authtest.Options{Store: storeURL, MasterKey: masterKey, Seed: authtest.NoSeed})
	b := open(t, server, withScripts)
	b.visit("/login")
	b.signIn(photographed)
	for _, p := range photographs {
		b.visit(p.path)
		for _, scheme := range schemes {
			b.scheme(scheme)
			b.size(wide)
			b.photograph(filepath.Join(folder, p.name+"-"+scheme+".png"), wide)
		}
	}
}

// photograph takes a picture of the whole page, down to a length that people still look at.
func (b *tab) photograph(path string, s screen) {
	b.t.Helper()
	const longest = 1500
	s.height = min(longest, max(s.height, ask[int64](b, `document.documentElement.scrollHeight`)))
	b.size(s)
	if ask[bool](b, `document.documentElement.scrollWidth > document.documentElement.clientWidth`) {
		b.t.Errorf("%s: the page scrolls sideways", path)
	}
	picture := call(b, page.CaptureScreenshot, page.CaptureScreenshotParams{}).Data
	if len(picture) > largest {
		b.t.Errorf("%s has %d bytes, more than %d", path, len(picture), largest)
	}
	b.must(os.WriteFile(path, picture, 0o644), "write a picture") //nolint:gosec // for everybody to read
}
