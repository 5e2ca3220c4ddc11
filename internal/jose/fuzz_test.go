package jose

import (
	"encoding/json"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
)

// FuzzVerify holds Verify to this: what it accepts carries a header and claims that were signed, and go-jose accepts it too.
func FuzzVerify(f *testing.F) {
	issued := map[string]bool{}
	var keys []*Key
	for _, a := range Algorithms {
		k := testKey(a)
		keys = append(keys, k)
		token := must(k.Sign("at+jwt", []byte(claims)))
		issued[token[:strings.LastIndex(token, ".")]] = true
		f.Add(token)
		f.Add(token[:len(token)-1])
		f.Add(strings.Replace(token, ".", "..", 1))
		f.Add(encode(`{"alg":"none"}`) + "." + encode(claims) + ".")
		f.Add(forge(k, headerOf(k, `"crit":["b64"]`, `"b64":false`), claims))
	}
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := Verify(token, "at+jwt", finder(keys...)); err != nil {
			return
		}
		dot := strings.LastIndex(token, ".")
		if !issued[token[:dot]] {
			t.Fatalf("accepted what was not signed: %q", token)
		}
		agree(t, token, finder(keys...))
	})
}

// FuzzSignedToken signs any header and payload, so that the fuzzer gets past the signature.
func FuzzSignedToken(f *testing.F) {
	k := testKey(EdDSA)
	f.Add(headerOf(k), claims)
	f.Add(headerOf(k, `"x":{"a":[1,2,"\u0000"]}`, `"jwk":{}`), `{"a":1,"b":{"a":1}}`)
	f.Add(headerOf(k, `"\u0061lg":"none"`), `{"a":1,"a":2}`)
	f.Add(`{"alg":"EdDSA","kid":"x","typ":"at+jwt","crit":[]}`, `[]`)
	f.Fuzz(func(t *testing.T, head, payload string) {
		token := forge(k, head, payload)
		got, err := Verify(token, "at+jwt", finder(k))
		if err != nil {
			return
		}
		var h map[string]any
		if err := json.Unmarshal([]byte(head), &h); err != nil {
			t.Fatalf("accepted the header %q: %v", head, err)
		}
		_, crit := h["crit"]
		_, b64 := h["b64"]
		typ, _ := h["typ"].(string)
		if h["alg"] != "EdDSA" || h["kid"] != k.ID || crit || b64 || !strings.HasSuffix(strings.ToLower(typ), "at+jwt") {
			t.Fatalf("accepted the header %q", head)
		}
		var c map[string]any
		if err := json.Unmarshal(got, &c); err != nil || string(got) != payload {
			t.Fatalf("accepted the claims %q: %v", payload, err)
		}
	})
}

func agree(t *testing.T, token string, find func(string) (*Key, bool)) {
	t.Helper()
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256})
	if err != nil {
		t.Fatalf("go-jose does not read %q: %v", token, err)
	}
	k, _ := find(jws.Signatures[0].Protected.KeyID)
	if _, err := jws.Verify(k.public); err != nil {
		t.Fatalf("go-jose refuses %q: %v", token, err)
	}
}
