package access_test

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/account"
	"github.com/grantor-dev/grantor/admin/access"
)

func rules() []access.Rule { return slices.Concat(access.Pages(), access.API()) }

func TestEveryRuleIsWellFormed(t *testing.T) {
	path := regexp.MustCompile(`^/(admin|account)(/([a-z0-9.-]+|\{[a-z_]+\}))*$`)
	seen := map[string]bool{}
	for _, r := range rules() {
		if !path.MatchString(r.Path) {
			t.Errorf("%s: what path is this?", r.Key())
		}
		if !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, r.Method) {
			t.Errorf("%s: unknown method", r.Key())
		}
		if seen[r.Key()] {
			t.Errorf("%s stands twice", r.Key())
		}
		seen[r.Key()] = true
		words := []access.Need{access.Nothing, access.SignedIn, access.Any}
		if !slices.Contains(words, r.Need) && !account.IsPermission(account.Permission(r.Need)) {
			t.Errorf("%s needs %q, which nobody can hold", r.Key(), r.Need)
		}
	}
}

// Two templates of one form would answer each other's requests, whichever is registered first.
func TestNoPathIsTakenForAnother(t *testing.T) {
	parameter := regexp.MustCompile(`\{[a-z_]+\}`)
	named := map[string]string{}
	for _, r := range rules() {
		form := parameter.ReplaceAllString(r.Path, "{}")
		if other, known := named[form]; known && other != r.Path {
			t.Errorf("%s and %s are one", r.Path, other)
		}
		named[form] = r.Path
	}
}

// A fixed word may stand where another path has an id only if the ids cannot be that word: "-" is none.
func TestNoIDIsTakenForAWord(t *testing.T) {
	var paths [][]string
	for _, r := range access.Pages() {
		paths = append(paths, strings.Split(r.Path, "/"))
	}
	for _, a := range paths {
		for _, b := range paths {
			if len(a) != len(b) {
				continue
			}
			for i := range a {
				if strings.HasPrefix(a[i], "{") && !strings.HasPrefix(b[i], "{") && slices.Equal(a[:i], b[:i]) && b[i] != "-" && !fixedTail(a[i+1:], b[i+1:]) {
					t.Errorf("%s is also %s", strings.Join(b, "/"), strings.Join(a, "/"))
				}
			}
		}
	}
}

// fixedTail tells whether two ends of paths differ in a fixed word.
func fixedTail(a, b []string) bool {
	for i := range a {
		if a[i] != b[i] && !strings.HasPrefix(a[i], "{") && !strings.HasPrefix(b[i], "{") {
			return true
		}
	}
	return false
}

// Whoever may only look changes nothing.
func TestWhatChangesSomethingNeedsMoreThanToView(t *testing.T) {
	for _, r := range rules() {
		views := strings.HasSuffix(string(r.Need), ":view")
		inspects := strings.HasSuffix(r.Path, "/tokens/inspect") // POST, so that the token stands in no URL
		if r.Method != http.MethodGet && (views && !inspects || r.Need == access.Any || r.Need == access.Nothing) {
			t.Errorf("%s needs only %q", r.Key(), r.Need)
		}
	}
}

func TestPagesOfTheAdministrationAreOpenToNoGuest(t *testing.T) {
	for _, r := range access.Pages() {
		if r.Need == access.Nothing || strings.HasPrefix(r.Path, "/admin") == (r.Need == access.SignedIn) {
			t.Errorf("%s needs only %q", r.Key(), r.Need)
		}
	}
}

func TestOpenOperationsAreThose(t *testing.T) {
	var open []string
	for _, r := range access.API() {
		if r.Need == access.Nothing || r.Need == access.SignedIn {
			open = append(open, r.Key())
		}
	}
	if want := []string{"GET /admin/api/v1/openapi.json", "GET /admin/api/v1/docs", "GET /admin/api/v1/me"}; !slices.Equal(open, want) {
		t.Errorf("open without a permission: %q", open)
	}
}

// Of what stands for something, looking at it needs the permission of its own kind.
func TestPermissionsAreOfTheKindOfThePath(t *testing.T) {
	for _, r := range rules() {
		kind, _, isPermission := strings.Cut(string(r.Need), ":")
		if !isPermission {
			continue
		}
		fits := strings.Contains(r.Path, "/"+kind) || kind == "clients" && strings.Contains(r.Path, "/auth-clients")
		switch kind {
		case "tokens":
			fits = fits || regexp.MustCompile(`authorizations|revoke|apps|consents|dashboard|statistics`).MatchString(r.Path)
		case "audit":
			fits = fits || strings.HasSuffix(r.Path, "/history")
		}
		if !fits {
			t.Errorf("%s needs %q", r.Key(), r.Need)
		}
	}
}

func TestFindGivesTheRuleOfARoute(t *testing.T) {
	for _, r := range rules() {
		if found, err := access.Find(r.Method, r.Path); err != nil || found != r {
			t.Errorf("%s: %v, %v", r.Key(), found, err)
		}
	}
	for _, missing := range [][2]string{{"POST", "/admin"}, {"GET", "/admin/"}, {"get", "/admin"}, {"GET", ""}, {"GET", "/admin/auth-clients/x"}} {
		if _, err := access.Find(missing[0], missing[1]); err == nil {
			t.Errorf("%q has a rule", missing)
		}
	}
}

func TestNeedIsMetByThosePermissionsAlone(t *testing.T) {
	with := func(p ...account.Permission) account.Rights { return account.Rights{Permissions: p} }
	view, edit := access.Need(account.ViewClients), account.EditClients
	for name, c := range map[string]struct {
		need   access.Need
		rights account.Rights
		met    bool
	}{
		"nothing of a guest":         {access.Nothing, account.Rights{}, true},
		"a user without permissions": {access.SignedIn, account.Rights{}, true},
		"any, with none":             {access.Any, account.Rights{}, false},
		"any, with one":              {access.Any, with(edit), true},
		"any, super admin":           {access.Any, account.Rights{SuperAdmin: true}, true},
		"view, with none":            {view, account.Rights{}, false},
		"view, with another":         {view, with(edit), false},
		"view, with view":            {view, with(account.ViewClients), true},
		"view, super admin":          {view, account.Rights{SuperAdmin: true}, true},
		"a need that nobody knows":   {"clients:everything", with(edit), false},
		"no need at all":             {"", with(edit), false},
	} {
		err := c.need.Check(c.rights)
		var forbidden *account.ForbiddenError
		if (err == nil) != c.met || err != nil && !errors.As(err, &forbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
