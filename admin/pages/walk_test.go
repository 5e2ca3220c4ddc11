package pages_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/access"
	"github.com/grantor-dev/grantor/internal/web"
)

// The walk goes over every rule of the table of pages: whoever adds one is walked with it, without a word here.

var parameter = regexp.MustCompile(`\{([a-z_]+)\}`)

// path fills the parameters of a rule, each with what belongs to it on this path.
func (g ground) path(t *testing.T, rule access.Rule) string {
	t.Helper()
	return parameter.ReplaceAllStringFunc(rule.Path, func(p string) string {
		name := strings.Trim(p, "{}")
		if name == "authorization_id" && strings.Contains(rule.Path, "/tokens/") {
			name = "token_id"
		}
		id, known := g[name]
		if !known {
			t.Fatalf("%s: the walk does not know what stands for %s: add it to ground", rule.Key(), p)
		}
		return url.PathEscape(id)
	})
}

// walker is somebody who tries every page.
type walker struct {
	w      *world
	b      *browser
	user   *account.User
	rights account.Rights
}

func (w *world) walker(u *account.User, rights account.Rights) *walker {
	b := w.signedIn(u)
	b.get("/admin")
	return &walker{w, b, u, rights}
}

// use does what a rule is for: it opens the page, or sends the form that the page of the same path shows, as it stands.
func (k *walker) use(rule access.Rule, path string) *page {
	k.w.t.Helper()
	if shown, err := access.Find(http.MethodGet, rule.Path); rule.Method == http.MethodPost && err == nil && shown.Need.Check(k.rights) == nil {
		p := k.b.get(path)
		for _, form := range elements(p.document, "form") {
			if filled := p.fill(form, form); filled.method == http.MethodPost && p.resolve(filled.action) == path {
				return filled.submit()
			}
		}
	}
	return k.send(rule, path)
}

// send opens the page, or sends a form that holds nothing but its token.
func (k *walker) send(rule access.Rule, path string) *page {
	k.w.t.Helper()
	if rule.Method == http.MethodGet {
		return k.b.get(path)
	}
	return k.b.post(path, url.Values{"form_token": {k.b.ownToken()}})
}

// ownToken is the token of every form that the browser is shown.
func (b *browser) ownToken() string {
	b.w.t.Helper()
	s, _ := b.session()
	return b.w.people.FormToken(b.value(web.NewCookieNames(base).Browser), "admin "+s.ID)
}

func (b *browser) session() (*account.Session, *account.User) {
	b.w.t.Helper()
	s, u, err := b.w.people.Session(b.w.system(), b.value(web.NewCookieNames(base).Session))
	ok(b.w.t, err)
	return s, u
}

// value is that of a cookie, whatever its prefix.
func (b *browser) value(name string) string {
	for full, value := range b.cookies {
		if strings.TrimPrefix(full, "__Host-") == name {
			return value
		}
	}
	b.w.t.Fatalf("the browser has no cookie %s", name)
	return ""
}

// walk tries every rule. Each time there is a client, a user and a group of its own, so that nothing is used up.
func (k *walker) walk() {
	for _, rule := range access.Pages() {
		g := k.w.ground(rule, k.user)
		path := g.path(k.w.t, rule)
		switch err := rule.Need.Check(k.rights); {
		case err != nil:
			last := k.w.latest()
			k.wantRefused(rule, k.send(rule, path), last)
		case rule.Key() == "GET /admin" && !k.seesAnything():
			k.send(rule, path).wantStatus(http.StatusForbidden) // there is no page to begin with
		default:
			k.wantServed(rule, k.use(rule, path))
		}
	}
}

// seesAnything tells whether a page of the menu is open to the walker.
func (k *walker) seesAnything() bool {
	if k.rights.SuperAdmin {
		return true
	}
	for _, p := range k.rights.Permissions {
		if strings.HasSuffix(string(p), ":view") || strings.HasSuffix(string(p), ":create") {
			return true
		}
	}
	return false
}

func (k *walker) wantServed(rule access.Rule, got *page) {
	k.w.t.Helper()
	switch got.Code {
	case http.StatusOK, http.StatusUnprocessableEntity:
	case http.StatusConflict:
		if rule.Method == http.MethodPost {
			return
		}
		k.w.t.Errorf("%s: 409", rule.Key())
	case http.StatusFound, http.StatusSeeOther:
		if to := got.Header().Get("Location"); !strings.HasPrefix(to, base+"/") || strings.HasPrefix(to, base+"/login") {
			k.w.t.Errorf("%s: sent to %q", rule.Key(), to)
		}
	default:
		k.w.t.Errorf("%s (%s): answered %d to somebody who may: %s", rule.Key(), got.path, got.Code, clip(got.main()))
	}
}

// wantRefused wants a 403 that is in the audit log, and nothing else there: what was refused did not happen.
func (k *walker) wantRefused(rule access.Rule, got *page, last string) {
	k.w.t.Helper()
	if got.Code != http.StatusForbidden {
		k.w.t.Errorf("%s: answered %d to somebody who may not", rule.Key(), got.Code)
		return
	}
	events, _, err := k.w.audit.Events(k.w.system(), account.AllEvents, "", 2)
	ok(k.w.t, err)
	if len(events) < 2 || events[1].ID != last {
		k.w.t.Errorf("%s: more than the refusal is in the audit log", rule.Key())
		return
	}
	e := events[0]
	if e.Action != "access.refused" || e.Object != "page:"+rule.Path || e.Actor.ID != k.user.ID || e.Actor.Kind != account.ActorUser ||
		e.Actor.Name != k.user.Username || e.Detail["method"] != rule.Method || e.Detail["reason"] == "" {
		k.w.t.Errorf("%s: the audit log has %+v", rule.Key(), e)
	}
}

func TestEveryPageIsServedToWhomTheTableSays(t *testing.T) {
	t.Parallel()
	for _, p := range account.AllPermissions() {
		t.Run(string(p.Permission), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.walker(w.user("visitor", p.Permission), account.Rights{Permissions: account.Permissions{p.Permission}}).walk()
		})
	}
	t.Run("no permission", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.walker(w.user("visitor"), account.Rights{}).walk()
	})
	t.Run("super admin", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.walker(w.superAdmin("visitor"), account.Rights{SuperAdmin: true}).walk()
	})
}

// What the rules behind a page refuse is told and noted as what the table refuses.
func TestRefusalsOfTheRulesAreInTheAuditLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	root := w.superAdmin("root")
	w.superAdmin("second")
	k := w.walker(w.user("helper", account.EditUsers), account.Rights{Permissions: account.Permissions{account.EditUsers}})
	last := w.latest()
	block := access.Rule{Method: http.MethodPost, Path: "/admin/users/{user_id}/block"}
	got := k.send(block, "/admin/users/"+root.ID+"/block").shows("Only a super admin may do this.")
	k.wantRefused(block, got, last)
	if u, err := w.people.User(w.system(), root.ID); err != nil || u.Blocked {
		t.Errorf("a super admin is blocked by a helper: %v", err)
	}
	if e := w.events("access.refused")[0]; e.Actor.Address == "" {
		t.Errorf("the audit log has %+v", e)
	}
	auditor := w.as("auditor", account.ViewAudit).open("/admin/audit?action=access.refused&actor=helper")
	auditor.shows("was refused the page /admin/users/{user_id}/block", "reason: ")
}

func TestGuestsAreSentToLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.superAdmin("root")
	g := w.ground(access.Rule{}, w.user("somebody"))
	b := w.guest()
	last := w.latest()
	for _, rule := range access.Pages() {
		path := g.path(t, rule)
		got, want := b.do(rule.Method, path, "", ""), http.StatusFound
		if rule.Method == http.MethodPost {
			got, want = b.post(path, url.Values{"form_token": {"x"}}), http.StatusSeeOther
		}
		to, err := url.Parse(got.Header().Get("Location"))
		ok(t, err)
		if next := to.Query().Get("next"); got.Code != want || to.Path != base+"/login" || to.Host != "" || !strings.HasPrefix(path, next) || rule.Method == http.MethodGet && next != path ||
			strings.Contains(got.Body.String(), "<form") {
			t.Errorf("%s: a guest gets %d, %s", rule.Key(), got.Code, to)
		}
	}
	if w.latest() != last {
		t.Error("a guest did something")
	}
}

func TestUnknownIDsAreNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.superAdmin("root")
	k := w.walker(u, account.Rights{SuperAdmin: true})
	zeros := strings.Repeat("0", 32)
	ids := []string{
		"usr_" + zeros, "grp_" + zeros, "aut_" + zeros, zeros, "unknown", "0", "%00", "%ff", "..%2F..%2Fkeys", "%3Cscript%3E", "a%20b",
		strings.Repeat("a", 3000), "%e2%80%ae",
	}
	for _, rule := range access.Pages() {
		parameters := parameter.FindAllString(rule.Path, -1)
		for i, unknown := range parameters {
			g := w.ground(rule, u)
			g[strings.Trim(unknown, "{}")], g["token_id"] = "PLACE", "PLACE"
			path := g.path(t, rule)
			for _, id := range ids {
				got := k.send(rule, strings.ReplaceAll(path, "PLACE", id))
				gone := i > 0 && got.Code == http.StatusSeeOther && !strings.Contains(got.Header().Get("Location"), "/login") // what is not there need not be removed
				if got.Code != http.StatusNotFound && !gone {
					t.Errorf("%s with %s = %.40s: %d", rule.Key(), unknown, id, got.Code)
				}
			}
		}
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.superAdmin("root")
	b, g := w.signedIn(u), w.ground(access.Rule{}, u)
	methods := map[string][]string{}
	for _, rule := range access.Pages() {
		path := g.path(t, rule)
		methods[path] = append(methods[path], rule.Method)
	}
	for path, served := range methods {
		all := strings.Join(served, " ")
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "JUNK"} {
			if strings.Contains(all, strings.Replace(method, "HEAD", "GET", 1)) {
				continue
			}
			got := b.do(method, path, "", "")
			allow := got.Header().Get("Allow")
			if got.Code != http.StatusMethodNotAllowed || !strings.Contains(allow, served[0]) || strings.Contains(allow, method) {
				t.Errorf("%s %s: %d, Allow %q", method, path, got.Code, allow)
			}
		}
	}
}

// A form counts only where it was served to this session of this browser, by us.
func TestFormsOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u := w.superAdmin("root")
	k, other, elsewhere := w.walker(u, account.Rights{SuperAdmin: true}), w.walker(u, account.Rights{SuperAdmin: true}), w.walker(w.user("mallory"), account.Rights{})
	g := w.ground(access.Rule{}, u)
	own := func() url.Values { return url.Values{"form_token": {k.b.ownToken()}} }
	last := w.latest()
	for _, rule := range access.Pages() {
		if rule.Method != http.MethodPost {
			continue
		}
		path := g.path(t, rule)
		for name, fields := range map[string]url.Values{
			"no token": {}, "an empty token": {"form_token": {""}}, "junk": {"form_token": {"x"}},
			"the token of another session": {"form_token": {other.b.ownToken()}}, "the token of somebody else": {"form_token": {elsewhere.b.ownToken()}},
		} {
			if got := k.b.post(path, fields); got.Code != http.StatusForbidden {
				t.Errorf("%s with %s: %d", rule.Key(), name, got.Code)
			}
		}
		if got := k.b.do(http.MethodPost, path+"?"+own().Encode(), "application/x-www-form-urlencoded", ""); got.Code != http.StatusForbidden {
			t.Errorf("%s with the token in its URL: %d", rule.Key(), got.Code)
		}
		for name, header := range map[string][2]string{
			"another site": {"Sec-Fetch-Site", "cross-site"}, "a neighbour": {"Sec-Fetch-Site", "same-site"},
			"another origin": {"Origin", "https://evil.example"}, "a hidden origin": {"Origin", "null"},
		} {
			if got := k.b.sendFrom(path, own(), header); got != http.StatusForbidden {
				t.Errorf("%s from %s: %d", rule.Key(), name, got)
			}
		}
	}
	if w.latest() != last {
		t.Error("a refused form did something")
	}
}

func TestPathsThatAreNoneAreNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.signedIn(w.superAdmin("root"))
	for _, path := range []string{
		"/admin//keys", "/admin//", "/admin/keys//", "/admin/../admin/keys", "/admin/%2e%2e/admin/keys", "/admin/KEYS", "/admin/keys%2frotate", "/administration",
		"/admin/auth-clients//edit", "/admin/audit.xml",
	} {
		if got := b.get(path); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
	for path, meant := range map[string]string{"/admin/": "/admin", "/admin/keys/": "/admin/keys", "/account/": "/account"} {
		if got := b.get(path); got.Code != http.StatusFound || got.Header().Get("Location") != base+meant {
			t.Errorf("%s: %d to %s", path, got.Code, got.Header().Get("Location"))
		}
	}
}

func (w *world) latest() string {
	w.t.Helper()
	events, _, err := w.audit.Events(w.system(), account.AllEvents, "", 1)
	ok(w.t, err)
	if len(events) == 0 {
		return ""
	}
	return events[0].ID
}
