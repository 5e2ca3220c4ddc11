package chaos

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// family is what one authorization of a person has issued: a code, and tokens that follow one from the other.
type family struct {
	asked     *authtest.Asked
	code      string
	codeTried time.Time // the first request with the code; zero: none
	codeGood  bool      // it was honoured

	access       []string
	refresh      string    // the current one
	refreshTried time.Time // the first request with it
	used         *used     // the one before
	older        []string  // those before that
	state
}

// used is a refresh token that was honoured, with what it was answered.
type used struct {
	token, access, successor string
	first                    time.Time // when it was sent for the first time
}

// generations is how often a family goes on at most: fewer than the access tokens that an authorization may have at once.
const generations = 12

// startFamily gets a code from a session; where there are enough families, one ends first.
func (w *worker) startFamily() {
	if len(w.families) >= mostFamilies {
		f, i := anyOf(w.families)
		switch {
		case f.fate == over:
			w.families = without(w.families, i)
		case !f.codeGood:
			w.redeem(f)
		default:
			w.revokeFamily(f)
		}
		return
	}
	name := []string{"web", "jwt"}[rand.IntN(2)]
	asked := w.server().App(name).Ask()
	code := w.authorize(asked)
	if code == "" {
		return
	}
	f := &family{asked: asked, code: code}
	f.become(stands)
	w.families = append(w.families, f)
	if rand.IntN(4) > 0 {
		w.redeem(f)
	}
}

// authorize asks for a code with the session of the person, who is not asked anything.
func (w *worker) authorize(asked *authtest.Asked) (code string) {
	server := asked.App.Server
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, asked.URL(), nil)
	if err == nil {
		for _, c := range w.person.cookies {
			request.AddCookie(c)
		}
	}
	answer, v := w.ask(authorize, server, request, err)
	if v == refusedIt {
		w.find(answer, "a person gets no code")
	}
	if v != good {
		return ""
	}
	location, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || !strings.HasPrefix(location.String(), asked.App.Redirect) || location.Query().Get("state") != asked.State {
		w.find(answer, "a person who is signed in is led to %.60q", answer.Header.Get("Location"))
		return ""
	}
	code = location.Query().Get("code")
	server.Keep(code)
	if code == "" {
		w.find(answer, "a person who is signed in gets no code but %q", location.Query().Get("error"))
	}
	return code
}

// goOn takes a family on: by its code, by its refresh token, or by one that was used.
func (w *worker) goOn() {
	if len(w.families) == 0 {
		w.startFamily()
		return
	}
	f, _ := anyOf(w.families)
	switch {
	case f.fate != stands:
		w.retry(f)
	case !f.codeGood:
		w.redeem(f)
	case len(f.access) >= generations:
		w.revokeFamily(f)
	default:
		w.refreshOrRepeat(f)
	}
}

func (w *worker) refreshOrRepeat(f *family) {
	switch n := rand.IntN(20); {
	case n == 0:
		w.replayCode(f)
	case n == 1 && len(f.older) > 0:
		w.replay(f, f.older[rand.IntN(len(f.older))])
	case n < 6 && f.used != nil && f.refreshTried.IsZero():
		w.repeat(f)
	default:
		w.refreshFamily(f)
	}
}

// atOnce is how many requests show a code or a token: usually one, sometimes several, of which one must win.
func atOnce() int {
	if rand.IntN(4) == 0 {
		return 4
	}
	return 1
}

// redeem shows the code. It is honoured once; whoever comes second ends the family.
func (w *worker) redeem(f *family) {
	n, retried := atOnce(), !f.codeTried.IsZero()
	if retried {
		n = 1 // what the first one has done is unknown: one more would be the second
	} else {
		f.codeTried = time.Now()
	}
	t := w.compete(redeem, n, f.asked.App, f.asked.Redemption(f.code))
	if len(t.good) > 1 {
		w.amiss(&f.state, "a code was honoured %d times at once", len(t.good))
	}
	switch {
	case len(t.good) > 0:
		f.codeGood = true
		f.take(t.good[0], time.Time{})
		f.become(afterwards(t))
	case t.refused > 0 && !retried && t.unknown == 0:
		w.amiss(&f.state, "a code that nobody had shown before was refused (%d requests)", n)
		f.become(over)
	case t.refused > 0:
		f.become(over)
	case t.unknown == 0 && !retried:
		f.codeTried = time.Time{} // nobody took it
	}
	w.inspectFamily(f)
}

// afterwards is what becomes of a family when one of several requests was honoured, and none is a second chance.
func afterwards(t tally) fate {
	switch {
	case t.refused > 0:
		return over
	case t.unknown > 0:
		return open
	}
	return stands
}

// take keeps the tokens of an answer.
func (f *family) take(answer *authtest.Answer, first time.Time) {
	if f.used != nil {
		f.older = append(f.older, f.used.token)
	}
	f.used = nil
	if f.refresh != "" {
		f.used = &used{f.refresh, answer.Access(), answer.Refresh(), first}
	}
	f.access, f.refresh, f.refreshTried = append(f.access, answer.Access()), answer.Refresh(), time.Time{}
}

// refreshFamily shows the current refresh token. Without grace it is honoured once, and whoever comes second ends the family;
// within grace all get the same answer.
func (w *worker) refreshFamily(f *family) {
	n, retried := atOnce(), !f.refreshTried.IsZero()
	switch {
	case !retried:
		f.refreshTried = time.Now()
	case w.grace == 0:
		n = 1
	}
	first := f.refreshTried
	t := w.compete(refresh, n, f.asked.App, authtest.Form("grant_type", "refresh_token", "refresh_token", f.refresh))
	inTime := time.Since(first) < w.grace
	w.judgeGood(f, t)
	switch {
	case t.refused > 0 && (inTime || !retried && t.unknown == 0 && len(t.good) == 0):
		w.amiss(&f.state, "a refresh token that was good was refused by %d of %d, after %v", t.refused, n, time.Since(first))
		f.become(over)
	case len(t.good) > 0:
		f.take(t.good[0], first)
		if inTime {
			f.become(stands)
		} else {
			f.become(afterwards(t))
		}
	case t.refused > 0:
		f.become(over)
	case t.unknown == 0 && !retried:
		f.refreshTried = time.Time{}
	case t.unknown > 0 && !inTime && (n > 1 || retried) && f.fate == stands:
		f.become(open) // one of them may have used it, and another have come second
	}
	w.inspectFamily(f)
}

// judgeGood looks at the answers that one refresh token was honoured with.
func (w *worker) judgeGood(f *family, t tally) {
	if len(t.good) > 1 && w.grace == 0 {
		w.amiss(&f.state, "a refresh token was honoured %d times at once", len(t.good))
	}
	for _, answer := range t.good {
		if answer.Access() == "" || answer.Refresh() == "" {
			w.find(answer, "there are no tokens in it")
		}
		if answer.Refresh() != t.good[0].Refresh() || answer.Access() != t.good[0].Access() {
			w.amiss(&f.state, "a refresh token has two successors")
		}
	}
}

// repeat shows the refresh token that was used last: within grace it gives what it gave, later it ends the family.
func (w *worker) repeat(f *family) {
	if w.grace == 0 {
		w.replay(f, f.used.token)
		return
	}
	t := w.compete(refresh, 1, f.asked.App, authtest.Form("grant_type", "refresh_token", "refresh_token", f.used.token))
	inTime := time.Since(f.used.first) < w.grace
	switch {
	case len(t.good) > 0:
		if answer := t.good[0]; answer.Refresh() != f.used.successor || answer.Access() != f.used.access {
			w.amiss(&f.state, "a used refresh token gave another successor")
		}
	case t.refused > 0 && inTime:
		w.amiss(&f.state, "a used refresh token was refused within grace, %v after it was used", time.Since(f.used.first))
		f.become(over)
	case t.refused > 0:
		f.become(over)
	case t.unknown > 0 && !inTime:
		f.become(open)
	}
	w.inspectFamily(f)
}

// replay shows a refresh token that must not be honoured any more, which ends the family.
func (w *worker) replay(f *family, old string) {
	w.again(f, refresh, authtest.Form("grant_type", "refresh_token", "refresh_token", old))
}

// replayCode shows the code once more.
func (w *worker) replayCode(f *family) { w.again(f, redeem, f.asked.Redemption(f.code)) }

func (w *worker) again(f *family, k kind, form url.Values) {
	t := w.compete(k, 1, f.asked.App, form)
	switch {
	case len(t.good) > 0:
		w.amiss(&f.state, "a %s was honoured twice", k)
	case t.refused > 0:
		f.become(over)
	case t.unknown > 0 && f.fate == stands:
		f.become(open)
	}
	w.inspectFamily(f)
}

// retry shows something of a family that is over, or may be.
func (w *worker) retry(f *family) {
	switch {
	case f.fate == open:
		w.revokeFamily(f)
	case !f.codeGood || f.refresh == "" || rand.IntN(2) == 0:
		w.replayCode(f)
	default:
		w.replay(f, f.refresh)
	}
}

// revokeFamily ends a family by one of its tokens; a code cannot be revoked.
func (w *worker) revokeFamily(f *family) {
	if !f.codeGood {
		return
	}
	shown := f.refresh
	if rand.IntN(2) == 0 {
		shown, _ = anyOf(f.access)
	}
	w.revoke(f.asked.App, shown, &f.state)
	w.inspectFamily(f)
}

// inspectFamily holds some of the tokens of a family against the ledger.
func (w *worker) inspectFamily(f *family) {
	if len(f.access) == 0 {
		return
	}
	if shown, _ := anyOf(f.access); rand.IntN(2) == 0 {
		w.holds(f.asked.App.On(w.server()), shown, &f.state)
	}
	if f.refreshTried.IsZero() && rand.IntN(2) == 0 {
		w.holds(f.asked.App.On(w.server()), f.refresh, &f.state)
	}
	if f.used != nil && rand.IntN(4) == 0 {
		spent := state{fate: over, since: f.since}
		w.holds(f.asked.App.On(w.server()), f.used.token, &spent)
	}
}
