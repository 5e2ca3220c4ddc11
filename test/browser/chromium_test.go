package browser

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// chromium is the one browser process of the tests, on a profile that is removed with it. Every tab has a browser context
// of its own in it: no two share a cookie or a cache.
var chromium browserProcess

type browserProcess struct {
	once   sync.Once
	ctx    context.Context
	cancel func()
	err    error
}

// start gives the context of the running browser, and skips the test where there is none.
func (b *browserProcess) start(t testing.TB) context.Context {
	t.Helper()
	path := findBrowser()
	if path == "" && os.Getenv("GRANTOR_TEST_REQUIRE") == "" {
		t.Skip("no Chromium was found: install it to run the browser tests")
	}
	if path == "" {
		t.Fatal("no Chromium was found, and GRANTOR_TEST_REQUIRE wants one")
	}
	b.once.Do(func() { b.begin(path) })
	if b.err != nil {
		t.Fatalf("start %s: %v", path, b.err)
	}
	return b.ctx
}

// findBrowser looks for the engine without the windows of a desktop around it first, which halves the work of the tests.
// GRANTOR_TEST_BROWSER names another one.
func findBrowser() string {
	names := []string{
		"chromium-headless-shell", "headless-shell", "headless_shell", "chrome-headless-shell", "chromium", "chromium-browser",
		"google-chrome", "google-chrome-stable", "chrome", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	}
	if chosen := os.Getenv("GRANTOR_TEST_BROWSER"); chosen != "" {
		names = []string{chosen}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func (b *browserProcess) begin(path string) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
	)
	allocator, release := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	b.ctx, b.cancel = ctx, func() { cancel(); release() }
	b.err = chromedp.Do(ctx)
}

func (b *browserProcess) end() {
	if b.cancel != nil {
		b.cancel()
	}
}
