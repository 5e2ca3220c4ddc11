package pages

import (
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/admin/access"
)

func TestEveryRuleHasAPage(t *testing.T) {
	all := allHandlers()
	for _, rule := range access.Pages() {
		if all[rule.Key()] == nil {
			t.Errorf("nothing serves %s", rule.Key())
		}
	}
}

func TestRouteWithoutARuleIsRefused(t *testing.T) {
	rule := access.Rule{Method: "GET", Path: "/admin/keys", Need: access.Any}
	s := &site{origin: "https://id.example.com"}
	if _, err := s.routes([]access.Rule{rule}, handlers{rule.Key(): (*site).keys}); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"GET /admin/new", "POST /admin/keys", "get /admin/keys"} {
		if _, err := s.routes([]access.Rule{rule}, handlers{rule.Key(): (*site).keys, key: (*site).keys}); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s was mounted though no rule says who may use it: %v", key, err)
		}
	}
}

func TestAreasDoNotTakeRoutesOfEachOther(t *testing.T) {
	n := 0
	for _, area := range []handlers{
		startPages(), dashboardPages(), clientPages(), apiAreaPages(), userPages(), groupPages(), auditPages(), refusalPages(), keyPages(), accountPages(),
	} {
		n += len(area)
	}
	if all := allHandlers(); len(all) != n {
		t.Errorf("%d routes in %d places", len(all), n)
	}
}

func TestDangerousActsAreInTheTable(t *testing.T) {
	for _, key := range dangerous {
		method, path, _ := strings.Cut(key, " ")
		if _, err := access.Find(method, path); err != nil || method != "POST" {
			t.Errorf("%s: %v", key, err)
		}
	}
}
