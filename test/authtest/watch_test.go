package authtest

import (
	"net/url"
	"strings"
	"testing"
)

func TestASecretIsFoundWhereverItStands(t *testing.T) {
	n := newNeedles()
	for range 1000 {
		n.add(Random())
	}
	const secret = `a "secret" & more`
	n.add(secret)
	long := strings.Repeat("grat_0123456789 nothing to see here ", 1000)
	if found, _ := n.in(long); found != "" {
		t.Errorf("found %q", found)
	}
	for _, form := range []string{secret, url.QueryEscape(secret), `a \"secret\" \u0026 more`} {
		for _, text := range []string{form, long + form, form + long, "\x00" + form + "\x00"} {
			if found, at := n.in(text); found == "" || text[at:at+len(form)] != form {
				t.Errorf("%q is not found", form)
			}
		}
	}
}
