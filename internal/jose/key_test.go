package jose

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
)

func TestKeySurvivesMarshalling(t *testing.T) {
	for _, a := range Algorithms {
		k := testKey(a)
		private := must(ParsePrivate(must(k.MarshalPrivate())))
		public := must(ParsePublic(must(k.MarshalPublic())))
		for _, again := range []*Key{private, public} {
			if again.ID != k.ID || again.Algorithm != a {
				t.Errorf("%s came back as %s", k, again)
			}
			if _, err := Verify(must(private.Sign("at+jwt", []byte(claims))), "at+jwt", finder(again)); err != nil {
				t.Errorf("%s: %v", again, err)
			}
		}
		if _, err := public.Sign("at+jwt", []byte(claims)); err == nil || public.CanSign() || !private.CanSign() {
			t.Errorf("%s: a public key signs", a)
		}
		if _, err := public.MarshalPrivate(); err == nil {
			t.Errorf("%s: a public key was marshalled as a private one", a)
		}
	}
}

func TestUnfitKeysAreRefused(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	small := must(rsa.GenerateKey(rand.Reader, 1024))
	curve := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	for name, private := range map[string]any{"RSA 1024": small, "P-384": curve} {
		der := must(x509.MarshalPKCS8PrivateKey(private))
		if k, err := ParsePrivate(der); err == nil {
			t.Errorf("%s was read as %s", name, k)
		}
	}
	for _, der := range [][]byte{nil, {0}, []byte("secret"), must(testKey(ES256).MarshalPublic())} {
		if _, err := ParsePrivate(der); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("ParsePrivate: %v", err)
		}
	}
	if _, err := GenerateKey("HS256"); err == nil {
		t.Error("made an HS256 key")
	}
}

func TestPublishedSetIsPublicAndDeterministic(t *testing.T) {
	keys := []*Key{testKey(ES256), testKey(EdDSA), testKey(RS256)}
	body := must(MarshalSet(keys))
	if !bytes.Equal(body, must(MarshalSet(keys))) {
		t.Error("two marshallings differ")
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(body, &set); err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"alg", "crv", "kid", "kty", "use", "x", "y"},
		{"alg", "crv", "kid", "kty", "use", "x"},
		{"alg", "e", "kid", "kty", "n", "use"},
	}
	for i, jwk := range set.Keys {
		if members := slices.Sorted(maps.Keys(jwk)); !slices.Equal(members, want[i]) {
			t.Errorf("members %v, want %v", members, want[i])
		}
		if jwk["use"] != "sig" || jwk["alg"] != string(keys[i].Algorithm) || jwk["kid"] != keys[i].ID {
			t.Errorf("jwk = %v", jwk)
		}
	}
	if empty := must(MarshalSet(nil)); string(empty) != `{"keys":[]}` {
		t.Errorf("empty set = %s", empty)
	}
}

// Others verify our tokens with our key set alone.
func TestPublishedSetVerifies(t *testing.T) {
	keys := []*Key{testKey(ES256), testKey(EdDSA), testKey(RS256)}
	var set gojose.JSONWebKeySet
	if err := json.Unmarshal(must(MarshalSet(keys)), &set); err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		found := set.Key(k.ID)
		if len(found) != 1 || !found[0].IsPublic() || !found[0].Valid() {
			t.Fatalf("%s is published as %v", k, found)
		}
		token := must(gojose.ParseSignedCompact(must(k.Sign("JWT", []byte(claims))), []gojose.SignatureAlgorithm{gojose.SignatureAlgorithm(k.Algorithm)}))
		if payload, err := token.Verify(found[0]); err != nil || string(payload) != claims {
			t.Errorf("%s: %s, %v", k, payload, err)
		}
	}
}

func TestPrintingShowsNoPrivateKey(t *testing.T) {
	for _, a := range Algorithms {
		k := testKey(a)
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", k)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", k)
		shown := fmt.Sprintf("%v %+v %#v %s", k, k, k, k) + log.String()
		if strings.Contains(shown, "0x") || strings.Contains(shown, "private:") || len(shown) > 1000 {
			t.Errorf("%s is shown as %s", a, shown)
		}
	}
	s := must(NewSealer(bytes.Repeat([]byte{77}, MasterSize)))
	if shown := fmt.Sprintf("%v %+v %#v", s, s, s); strings.Contains(shown, "77") || strings.Contains(shown, "0x4d") {
		t.Errorf("sealer is shown as %s", shown)
	}
}

func TestBadTypeIsNotSigned(t *testing.T) {
	for _, typ := range []string{"", `a"b`, "a b", "a\x00", "ü", strings.Repeat("a", 65)} {
		if _, err := testKey(EdDSA).Sign(typ, []byte(claims)); err == nil {
			t.Errorf("signed typ %q", typ)
		}
	}
}
