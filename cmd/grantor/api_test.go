package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/oauth"
)

func TestClientOfAnAPIIsNamedAfterIt(t *testing.T) {
	for identifier, want := range map[string]string{
		"https://orders.example.com":        "orders.example.com",
		"https://orders.example.com/":       "orders.example.com",
		"https://orders.example.com/v1/a_b": "orders.example.com-v1-a_b",
		"https://orders.example.com:8443":   "orders.example.com-8443",
		"https://örders.example":            "-rders.example",
		"urn:example:stock":                 "urn-example-stock",
		"https://../":                       "",
	} {
		if got := companionID(identifier); strings.Trim(want, "-") != got {
			t.Errorf("%s: %q, want %q", identifier, got, want)
		}
	}
}

func TestScopesStandBesideTheirSentences(t *testing.T) {
	got := scopeLines([]oauth.APIScope{{Name: "a", Description: "Read all that you keep here."}, {Name: "b:write"}}, 30)
	want := []string{"a        Read all that you", "         keep here.", "b:write  "}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestScopeOfAFlagKeepsTheSentenceThatIsKnown(t *testing.T) {
	known := []oauth.APIScope{{Name: "a", Description: "Read."}, {Name: "b", Description: "Write."}}
	got := scopesOf([]string{"a", "b=", " c = C = D ", "d"}, known)
	want := []oauth.APIScope{{Name: "a", Description: "Read."}, {Name: "b"}, {Name: "c", Description: "C = D"}, {Name: "d"}}
	if !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
}
