package main

import (
	"strings"
	"testing"
)

// pieces keeps each write by itself.
type pieces []string

func (p *pieces) Write(b []byte) (int, error) {
	*p = append(*p, string(b))
	return len(b), nil
}

// TestTheGreetingIsOnePiece: whoever waits for "is ready" finds the set-up link beside it.
func TestTheGreetingIsOnePiece(t *testing.T) {
	a, err := openApp(t.Context(), &Config{Store: "memory:", Issuer: "http://localhost:1", SigningAlgorithm: "ES256"}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	var out pieces
	p := &program{app: a, out: &out, made: newSeeded()}
	p.made.secrets["shop"] = "grcs_shown"
	if err := p.greet(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(out) != 1 {
		t.Fatalf("%d pieces: %q", len(out), out)
	}
	for _, text := range []string{"is ready at http://localhost:1", "grcs_shown", "http://localhost:1/setup?token="} {
		if !strings.Contains(out[0], text) {
			t.Errorf("no %q in %q", text, out[0])
		}
	}
	a.close()
	out, p.made.secrets["cart"] = nil, "grcs_kept"
	if err := p.greet(t.Context()); err == nil {
		t.Fatal("the store is closed")
	}
	if text := strings.Join(out, ""); !strings.Contains(text, "grcs_kept") || strings.Contains(text, "is ready") {
		t.Errorf("a server that is not ready prints %q", text)
	}
}
