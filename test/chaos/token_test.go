package chaos

import (
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// fate is what a ledger knows of something that was issued.
type fate int

const (
	stands fate = iota // it must be good
	open               // a request that would end it had no answer: good or not, and once not, never again
	over               // its end was acknowledged, or seen: it must not be good
)

// token is a token of a machine.
type token struct {
	app   *authtest.App // whom it was issued to
	value string
	state
}

// state is the fate of something, and since when.
type state struct {
	fate  fate
	since time.Time // of the last acknowledgement
	how   string    // what the acknowledgement was, where it was none of a first request
}

func (s *state) become(f fate) { *s = state{fate: f, since: time.Now()} }

func (s *state) isOpen() int64 {
	if s.fate == open {
		return 1
	}
	return 0
}

// issue gets a token for a machine.
func (w *worker) issue() {
	if len(w.tokens) >= mostTokens {
		w.makeRoom()
		return
	}
	name, k := "web", issueOpaque
	if rand.IntN(2) == 0 {
		name, k = []string{"jwt", "jwt-ed"}[rand.IntN(2)], issueJWT
	}
	if t := w.issueTo(k, w.server().App(name)); t != nil {
		w.tokens = append(w.tokens, t)
	}
}

func (w *worker) issueTo(k kind, app *authtest.App) *token {
	answer, v := w.post(k, app, authtest.TokenPath, authtest.Form("grant_type", "client_credentials"))
	if v == refusedIt {
		w.find(answer, "%s gets no token", app.ID)
	}
	if v != good {
		return nil
	}
	t := &token{app: app, value: answer.Access()}
	t.become(stands)
	if t.value == "" {
		w.find(answer, "there is no token in it")
		return nil
	}
	return t
}

// makeRoom ends the oldest token that stands, or forgets one that does not.
func (w *worker) makeRoom() {
	for i, t := range w.tokens {
		if t.fate == stands && rand.IntN(2) == 0 {
			w.revokeToken(t)
			return
		}
		if t.fate == over && rand.IntN(2) == 0 {
			w.tokens = without(w.tokens, i)
			return
		}
	}
}

func (w *worker) revokeAny() {
	if rand.IntN(2) == 0 && len(w.tokens) > 0 {
		t, _ := anyOf(w.tokens)
		w.revokeToken(t)
	} else if len(w.families) > 0 {
		f, _ := anyOf(w.families)
		w.revokeFamily(f)
	}
}

func (w *worker) revokeToken(t *token) {
	w.revoke(t.app, t.value, &t.state)
	w.inspect(t)
}

// revoke ends what a token of the application stands for. A second time is as good as the first one.
func (w *worker) revoke(app *authtest.App, value string, s *state) {
	answer, v := w.post(revoke, app.On(w.server()), authtest.RevokePath, authtest.Form("token", value))
	switch {
	case v == good:
		tried := s.fate == open
		s.become(over)
		if tried {
			s.how = " (asked for again, as there was no answer)"
		}
	case v == unknown && s.fate == stands:
		s.become(open)
	case v == refusedIt:
		w.find(answer, "%s cannot revoke", app.ID)
	}
}

func (w *worker) inspectAny() {
	switch n := rand.IntN(3); {
	case n == 0 && len(w.families) > 0:
		f, _ := anyOf(w.families)
		w.inspectFamily(f)
	case n == 1 && len(w.clients) > 0:
		c, _ := anyOf(w.clients)
		w.inspectClient(c)
	case len(w.tokens) > 0:
		t, _ := anyOf(w.tokens)
		w.inspect(t)
	}
}

// inspect holds a token against the ledger.
func (w *worker) inspect(t *token) { w.holds(t.app.On(w.server()), t.value, &t.state) }

// holds asks what a token is worth and holds it against its state, which learns from the answer. Its application asks, or,
// where that is gone, the resource server.
func (w *worker) holds(app *authtest.App, value string, s *state) {
	active, known := w.introspect(app, value)
	switch {
	case !known:
	case active && s.fate == over:
		w.amiss(s, "a token of %s is good again", app.ID)
	case !active && s.fate == stands:
		w.amiss(s, "a token of %s is lost", app.ID)
	case !active && s.fate == open && w.provisional():
	case !active && s.fate == open:
		s.become(over)
		s.how = " (nobody acknowledged it: it was seen)"
	}
}

// amiss notes that something is not as the ledger has it, unless it may be lost. Either way it is not looked at again.
func (w *worker) amiss(s *state, format string, args ...any) {
	if w.faults.mayLose(s.since) {
		w.counts.lost.Add(1)
	} else {
		args = append(args, []string{"stood", "had an unknown outcome", "was over"}[s.fate], time.Since(s.since).Round(time.Millisecond), s.how)
		w.findings.add(format+": for the ledger it %s, acknowledged %v ago%s", args...)
	}
	s.become(open)
}

func (w *worker) introspect(app *authtest.App, value string) (active, known bool) {
	answer, v := w.post(introspect, app, authtest.IntrospectPath, authtest.Form("token", value))
	if v == refusedIt {
		w.find(answer, "%s may not introspect", app.ID)
	}
	if v != good {
		return false, false
	}
	w.counts.checked.Add(1)
	if _, told := answer.JSON["active"]; !told || answer.Status != http.StatusOK {
		w.find(answer, "that is no introspection")
		return false, false
	}
	return answer.Active(), true
}
