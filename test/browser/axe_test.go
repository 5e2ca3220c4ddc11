package browser

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// axeFile is axe-core as npm puts it beside these tests; scripts/test-deps.sh calls npm.
const axeFile = "node_modules/axe-core/axe.min.js"

var axeSource = sync.OnceValues(func() (string, error) {
	source, err := os.ReadFile(axeFile)
	return string(source), err
})

// accessible has axe-core judge the page, in whatever it is shown now. What axe calls minor or moderate is not counted.
func (b *tab) accessible(name string) {
	b.t.Helper()
	source, err := axeSource()
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("GRANTOR_TEST_REQUIRE") == "" {
		b.t.Log("axe-core is not there: run scripts/test-deps.sh to judge accessibility as well")
		return
	}
	b.must(err, "read axe-core")
	if b.scripts == withoutScripts { // axe-core waits by timers, which the scripts of the page itself were too early for
		b.scriptsRun(withScripts)
		defer b.scriptsRun(withoutScripts)
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if ask[bool](b, `window.axe !== undefined`) { // from when the page was judged on another screen
		source = ""
	}
	// Evaluated by the debugger, which the policy of the page does not bind.
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](source+`;axe.run(document, {resultTypes: ["violations"]}).then(result =>
		result.violations.filter(v => v.impact === "serious" || v.impact === "critical").map(v =>
			v.impact + ": " + v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 200)).join(" | ")))`,
		chromedp.EvalAwaitPromise))
	b.must(err, "run axe-core")
	for _, fault := range found {
		b.t.Errorf("%s: %s", name, fault)
	}
}

func TestAnInaccessiblePageIsFound(t *testing.T) {
	t.Parallel()
	if _, err := axeSource(); err != nil && os.Getenv("GRANTOR_TEST_REQUIRE") == "" {
		t.Skip("axe-core is not there: run scripts/test-deps.sh")
	}
	b := open(t, shared(t), withScripts)
	b.visit("/login")
	ask[bool](b, `(() => { document.querySelector("label").remove(); return true })()`)
	watched := &recorded{TB: t}
	spoilt := *b
	spoilt.t = watched
	spoilt.accessible("a field without a label")
	if watched.faults == 0 {
		t.Error("a field without a label went unnoticed")
	}
}

// recorded counts faults in place of failing.
type recorded struct {
	testing.TB
	faults int
}

func (r *recorded) Errorf(string, ...any) { r.faults++ }
