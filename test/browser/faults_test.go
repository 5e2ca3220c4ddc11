package browser

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// watch collects what no page should do.
type watch struct {
	mu      sync.Mutex
	faults  []string
	origins []string
	blind   bool
}

func (w *watch) fault(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.blind {
		w.faults = append(w.faults, fmt.Sprintf(format, args...))
	}
}

// allowOrigin lets the pages make requests to one more origin.
func (w *watch) allowOrigin(origin string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.origins = append(w.origins, origin)
}

// take gives the faults that hold the text, and forgets them.
func (w *watch) take(text string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var found []string
	w.faults = slices.DeleteFunc(w.faults, func(fault string) bool {
		if !strings.Contains(fault, text) {
			return false
		}
		found = append(found, fault)
		return true
	})
	return found
}

// forgive ends the watch, for a test that has provoked faults and seen enough of them.
func (w *watch) forgive() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults, w.blind = nil, true
}

func (w *watch) event(ev any) {
	switch ev := ev.(type) {
	case *log.EventEntryAdded:
		if ev.Entry.Level == log.EntryLevelError || ev.Entry.Level == log.EntryLevelWarning {
			w.fault("%s: %s: %s", ev.Entry.Source, ev.Entry.Level, ev.Entry.Text)
		}
	case *runtime.EventConsoleAPICalled:
		w.fault("console: %s", ev.Type)
	case *runtime.EventExceptionThrown:
		w.fault("exception: %s", ev.ExceptionDetails.Text)
	case *audits.EventIssueAdded:
		w.issue(ev.Issue)
	case *page.EventJavascriptDialogOpening:
		w.fault("dialog: %s", ev.Message)
	case *network.EventLoadingFailed:
		if !ev.Canceled {
			w.fault("request failed: %s", ev.ErrorText)
		}
	case *network.EventRequestWillBeSent:
		w.request(ev.Request.URL)
	}
}

func (w *watch) issue(issue *audits.InspectorIssue) {
	details := issue.Details
	if csp := details.ContentSecurityPolicyIssueDetails; csp != nil {
		w.fault("policy: %s refused %s", csp.ViolatedDirective, csp.BlockedURL)
		return
	}
	if issue.Code != audits.InspectorIssueCodePerformanceIssue { // which it has with a test that reads document.cookie
		w.fault("issue: %s", issue.Code)
	}
}

func (w *watch) request(address string) {
	u, err := url.Parse(address)
	if err == nil && (u.Scheme == "data" || w.mayReach(u.Scheme+"://"+u.Host)) {
		return
	}
	w.fault("request to elsewhere: %s", address)
}

func (w *watch) mayReach(origin string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.origins, origin)
}
