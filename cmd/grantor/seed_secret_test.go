package main

import (
	"strings"
	"testing"
)

// TestASecretMadeByAFailingSeedIsStillShown: one client is made before the fault of the next ends the start.
func TestASecretMadeByAFailingSeedIsStillShown(t *testing.T) {
	s, err := parseSeed([]byte(`clients:
  - {client_id: one, client_name: Shop, grant_types: [client_credentials]}
  - {client_id: two, client_name: Shop, grant_types: [client_credentials]}
`))
	if err != nil {
		t.Fatal(err)
	}
	c := &Config{Store: "memory:", Issuer: "http://localhost:1", SigningAlgorithm: "ES256"}
	a, err := openApp(t.Context(), c, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	if err := a.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	made := newSeeded()
	if err := s.apply(t.Context(), a, made); err == nil {
		t.Fatal("two clients have one name")
	}
	var out strings.Builder
	p := &program{out: &out, made: made}
	p.tellSecrets(p.out)
	p.tellSecrets(p.out)
	if strings.Count(out.String(), "client one, shown this once: grcs_") != 1 || strings.Contains(out.String(), "two") {
		t.Errorf("printed %q", out.String())
	}
}
