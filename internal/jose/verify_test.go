package jose

import (
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

func refused(t *testing.T, token string, keys ...*Key) {
	t.Helper()
	got, err := Verify(token, "at+jwt", finder(keys...))
	if !errors.Is(err, ErrInvalid) || got != nil {
		t.Errorf("Verify = %q, %v; want ErrInvalid", got, err)
	}
}

func TestSignedTokenVerifies(t *testing.T) {
	for _, a := range Algorithms {
		t.Run(string(a), func(t *testing.T) {
			k := testKey(a)
			token := must(k.Sign("at+jwt", []byte(claims)))
			got, err := Verify(token, "at+jwt", finder(otherKey(a), k))
			if err != nil || string(got) != claims {
				t.Fatalf("Verify = %q, %v", got, err)
			}
			jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(a)})
			if err != nil {
				t.Fatalf("go-jose does not read the token: %v", err)
			}
			if got, err := jws.Verify(k.public); err != nil || string(got) != claims {
				t.Fatalf("go-jose: %q, %v", got, err)
			}
			h := jws.Signatures[0].Protected
			if h.KeyID != k.ID || h.ExtraHeaders["typ"] != "at+jwt" {
				t.Errorf("header = %+v", h)
			}
		})
	}
}

// The algorithm is the one of the key, whatever the token says: every alg against every key.
func TestAlgorithmIsPinnedToTheKey(t *testing.T) {
	names := []string{"ES256", "EdDSA", "RS256", "none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "ES384", "ES512",
		"ES256K", "PS256", "RS384", "RS1", "Ed25519", "es256", "ES256 ", "ES256\x00", "", "dir", "RSA-OAEP"}
	for _, a := range Algorithms {
		for _, signer := range Algorithms {
			for _, name := range names {
				if name == string(a) && signer == a {
					continue
				}
				k := testKey(a)
				header := fmt.Sprintf(`{"alg":%s,"kid":"%s","typ":"at+jwt"}`, quote(name), k.ID)
				refused(t, forge(testKey(signer), header, claims), k)
			}
		}
	}
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, "\x00", `\u0000`) + `"` }

// RFC 8725 section 2.1: the public key, in any form in which it is known, is no HMAC secret.
func TestPublicKeyIsNoSecret(t *testing.T) {
	for _, a := range Algorithms {
		k := testKey(a)
		der := must(k.MarshalPublic())
		secrets := map[string][]byte{
			"der": der,
			"pem": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
			"jwk": []byte(publicJWK(t, k)),
			"set": must(MarshalSet([]*Key{k})),
			"nil": nil,
		}
		for name, secret := range secrets {
			for _, alg := range []string{"HS256", string(a)} {
				t.Run(fmt.Sprintf("%s/%s/%s", a, name, alg), func(t *testing.T) {
					input := encode(fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"at+jwt"}`, alg, k.ID)) + "." + encode(claims)
					mac := hmac.New(sha256.New, secret)
					mac.Write([]byte(input))
					refused(t, input+"."+encode(mac.Sum(nil)), k)
				})
			}
		}
	}
}

func TestForgedSignaturesAreRefused(t *testing.T) {
	order := elliptic.P256().Params().N
	half := func(n *big.Int) []byte { return n.FillBytes(make([]byte, es256Half)) }
	zero, one, largest := half(big.NewInt(0)), half(big.NewInt(1)), make([]byte, es256Half)
	for i := range largest {
		largest[i] = 0xff
	}
	pair := func(r, s []byte) []byte { return append(append([]byte{}, r...), s...) }
	for _, a := range Algorithms {
		k := testKey(a)
		token := must(k.Sign("at+jwt", []byte(claims)))
		input, seal := token[:strings.LastIndex(token, ".")], token[strings.LastIndex(token, ".")+1:]
		good := must(b64.DecodeString(seal))
		flipped := append([]byte{}, good...)
		flipped[len(flipped)/2] ^= 1
		forged := map[string][]byte{
			"none":          nil,
			"zeros":         make([]byte, len(good)),
			"one byte":      {0},
			"short":         good[:len(good)-1],
			"long":          append(append([]byte{}, good...), 0),
			"leading zero":  append([]byte{0}, good...),
			"flipped":       flipped,
			"r and s zero":  pair(zero, zero),
			"r zero":        pair(zero, one),
			"s zero":        pair(one, zero),
			"r is s is one": pair(one, one),
			"r is order":    pair(half(order), one),
			"s is order":    pair(one, half(order)),
			"out of range":  pair(largest, largest),
			"another's":     must(otherKey(a).signature([]byte(input))),
			"other input":   must(k.signature([]byte(input + "A"))),
		}
		if a == ES256 {
			forged["zeros in DER"] = []byte{0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00}
			forged["r and s swapped"] = pair(good[es256Half:], good[:es256Half])
		}
		for name, signature := range forged {
			t.Run(string(a)+"/"+name, func(t *testing.T) { refused(t, input+"."+encode(signature), k) })
		}
	}
}

func TestHeaderIsReadStrictly(t *testing.T) {
	k, other := testKey(ES256), otherKey(ES256)
	alg, kid, typ := `"alg":"ES256"`, fmt.Sprintf(`"kid":%q`, k.ID), `"typ":"at+jwt"`
	for name, header := range map[string]string{
		"crit":                  headerOf(k, `"crit":["exp"]`, `"exp":1`),
		"crit, empty":           headerOf(k, `"crit":[]`),
		"crit, null":            headerOf(k, `"crit":null`),
		"crit, escaped":         headerOf(k, `"cr\u0069t":["x"]`, `"x":1`),
		"b64 false":             headerOf(k, `"b64":false`, `"crit":["b64"]`),
		"b64 without crit":      headerOf(k, `"b64":false`),
		"b64 true":              headerOf(k, `"b64":true`),
		"cty":                   headerOf(k, `"cty":"JWT"`),
		"alg twice":             headerOf(k, `"alg":"none"`),
		"alg twice, equal":      headerOf(k, alg),
		"alg twice, escaped":    headerOf(k, `"\u0061lg":"none"`),
		"kid twice":             headerOf(k, fmt.Sprintf(`"kid":%q`, other.ID)),
		"typ twice":             headerOf(k, `"typ":"JWT"`),
		"unknown twice":         headerOf(k, `"x":1`, `"x":2`),
		"no alg":                `{` + kid + `,` + typ + `}`,
		"no kid":                `{` + alg + `,` + typ + `}`,
		"no typ":                `{` + alg + `,` + kid + `}`,
		"ALG for alg":           `{"ALG":"ES256",` + kid + `,` + typ + `}`,
		"KID for kid":           `{` + alg + `,` + fmt.Sprintf(`"KID":%q`, k.ID) + `,` + typ + `}`,
		"alg null":              `{"alg":null,` + kid + `,` + typ + `}`,
		"alg array":             `{"alg":["ES256"],` + kid + `,` + typ + `}`,
		"kid object":            `{` + alg + `,"kid":{"a":1},` + typ + `}`,
		"kid number":            `{` + alg + `,"kid":1,` + typ + `}`,
		"typ number":            `{` + alg + `,` + kid + `,"typ":1}`,
		"typ JWT":               `{` + alg + `,` + kid + `,"typ":"JWT"}`,
		"typ longer":            `{` + alg + `,` + kid + `,"typ":"at+jwt "}`,
		"typ of another tree":   `{` + alg + `,` + kid + `,"typ":"text/at+jwt"}`,
		"typ prefixed twice":    `{` + alg + `,` + kid + `,"typ":"application/application/at+jwt"}`,
		"typ beyond ASCII":      `{` + alg + `,` + kid + `,"typ":"at+jwt\u0000"}`,
		"typ empty":             `{` + alg + `,` + kid + `,"typ":""}`,
		"array":                 `[` + headerOf(k) + `]`,
		"string":                `"` + "x" + `"`,
		"null":                  `null`,
		"two objects":           headerOf(k) + headerOf(k),
		"trailing":              headerOf(k) + "x",
		"comma at the end":      headerOf(k)[:len(headerOf(k))-1] + ",}",
		"byte order mark":       "\ufeff" + headerOf(k),
		"invalid UTF-8":         headerOf(k, "\"x\":\"\xff\""),
		"invalid UTF-8 in name": headerOf(k, "\"x\xff\":1"),
		"control character":     headerOf(k, "\"x\":\"\x01\""),
		"NUL":                   headerOf(k) + "\x00",
		"comment":               headerOf(k) + "/* */",
		"unclosed":              headerOf(k)[:len(headerOf(k))-1],
		"nothing":               ``,
	} {
		t.Run(name, func(t *testing.T) { refused(t, forge(k, header, claims), k, other) })
	}
}

func TestMediaTypeMayCarryItsPrefix(t *testing.T) {
	k := testKey(ES256)
	for _, typ := range []string{"at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"} {
		header := fmt.Sprintf(`{"typ":%q,"alg":"ES256","kid":%q}`, typ, k.ID)
		for _, want := range []string{"at+jwt", "application/at+jwt"} {
			if _, err := Verify(forge(k, header, claims), want, finder(k)); err != nil {
				t.Errorf("typ %s for %s: %v", typ, want, err)
			}
		}
	}
	if _, err := Verify(must(k.Sign("at+jwt", []byte(claims))), "", finder(k)); err == nil {
		t.Error("a typ was accepted where none is expected")
	}
}

// What a token says about its own key is neither trusted nor fetched: with such a member it is worth what it is without.
func TestKeysInTheTokenAreIgnored(t *testing.T) {
	k, attacker := testKey(ES256), otherKey(ES256)
	for _, member := range []string{
		`"jwk":` + publicJWK(t, attacker),
		`"jku":"http://127.0.0.1:1/jwks"`,
		`"x5u":"http://127.0.0.1:1/cert"`,
		`"x5c":["MIIB"]`,
		`"x5t":"AAAA"`,
		`"zip":"DEF"`,
	} {
		t.Run(member[:6], func(t *testing.T) {
			refused(t, forge(attacker, headerOf(k, member), claims), k)
			refused(t, forge(attacker, headerOf(attacker, member), claims), k)
			if _, err := Verify(forge(k, headerOf(k, member), claims), "at+jwt", finder(k)); err != nil {
				t.Errorf("the key's own token: %v", err)
			}
		})
	}
}

func TestKidIsOnlyALookup(t *testing.T) {
	k := testKey(ES256)
	for name, kid := range map[string]string{
		"empty":     "",
		"traversal": "../../../../../../dev/null",
		"absolute":  "/etc/passwd",
		"sql":       "x' UNION SELECT 'AA==' --",
		"command":   "|/usr/bin/id",
		"url":       "http://127.0.0.1:1/" + k.ID,
		"nul":       k.ID + `\u0000`,
		"newline":   k.ID + `\n`,
		"prefix":    k.ID[:42],
		"longer":    k.ID + "A",
		"case":      strings.ToLower(k.ID),
		"10 kB":     strings.Repeat("k", 10_000),
		"surrogate": `\ud800`,
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, forge(k, `{"alg":"ES256","typ":"at+jwt","kid":"`+kid+`"}`, claims), k)
		})
	}
}

func TestEncodingIsCanonical(t *testing.T) {
	k := testKey(EdDSA)
	token := must(k.Sign("at+jwt", []byte(claims)))
	parts := strings.Split(token, ".")
	join := func(p ...string) string { return strings.Join(p, ".") }
	// 64 bytes leave four unused bits in the last character; a lenient decoder takes each of 16 spellings.
	last := parts[2][len(parts[2])-1]
	stray := parts[2][:len(parts[2])-1] + string(rune(last+1))
	for name, bad := range map[string]string{
		"nothing":                 "",
		"dots":                    "..",
		"many dots":               strings.Repeat(".", 1000),
		"one part":                parts[0],
		"two parts":               join(parts[0], parts[1]),
		"stripped signature":      join(parts[0], parts[1], ""),
		"stripped payload":        join(parts[0], "", parts[2]),
		"stripped header":         join("", parts[1], parts[2]),
		"four parts":              join(parts[0], parts[1], parts[2], ""),
		"five parts":              join(parts[0], parts[1], parts[2], "", ""),
		"padding":                 token + "==",
		"padded header":           join(parts[0]+"=", parts[1], parts[2]),
		"line feed in signature":  join(parts[0], parts[1], parts[2][:4]+"\n"+parts[2][4:]),
		"line feed at the end":    token + "\n",
		"carriage return":         token + "\r\n",
		"line feed in header":     join(parts[0][:4]+"\n"+parts[0][4:], parts[1], parts[2]),
		"blank before":            " " + token,
		"blank behind":            token + " ",
		"standard alphabet":       join(parts[0], parts[1], "+/"+parts[2][2:]),
		"stray bits":              join(parts[0], parts[1], stray),
		"payload swapped":         join(parts[0], encode(`{"sub":"root"}`), parts[2]),
		"header and payload swap": join(parts[1], parts[0], parts[2]),
		"NUL":                     token + "\x00",
		"JSON serialisation":      `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`,
	} {
		t.Run(name, func(t *testing.T) { refused(t, bad, k) })
	}
}

// Even a payload that our key has signed must be decodable in one way only.
func TestClaimsAreAnObjectOfDistinctMembers(t *testing.T) {
	k := testKey(ES256)
	for _, payload := range []string{
		`{"sub":"a","sub":"b"}`, `{"sub":"a","\u0073ub":"b"}`, `[]`, `"x"`, `null`, `1`, ``, `{`, `{}{}`, "{\"a\":\"\xff\"}",
		must(k.Sign("at+jwt", []byte(claims))), // a nested token
	} {
		refused(t, forge(k, headerOf(k), payload), k)
	}
	input := encode(headerOf(k)) + ".e30" + "\n"
	refused(t, input+"."+encode(must(k.signature([]byte(input)))), k)
	if got, err := Verify(forge(k, headerOf(k), `{"a":{"x":1},"b":{"x":2}}`), "at+jwt", finder(k)); err != nil {
		t.Errorf("Verify = %s, %v", got, err)
	}
}

func TestSizeLimit(t *testing.T) {
	k := testKey(ES256)
	fixed := len(forge(k, headerOf(k), ""))
	payload := func(size int) string { // the payload that makes a token of size bytes
		return `{"x":"` + strings.Repeat("x", (size-fixed)*3/4-len(`{"x":""}`)) + `"}`
	}
	token := forge(k, headerOf(k), payload(MaxToken))
	if _, err := Verify(token, "at+jwt", finder(k)); len(token) != MaxToken || err != nil {
		t.Errorf("%d bytes: %v", len(token), err)
	}
	token = forge(k, headerOf(k), payload(MaxToken+1))
	if _, err := Verify(token, "at+jwt", finder(k)); len(token) != MaxToken+1 || !errors.Is(err, errSize) {
		t.Errorf("%d bytes: %v", len(token), err)
	}
	if _, err := k.Sign("at+jwt", []byte(payload(MaxToken))); err != nil {
		t.Errorf("Sign of %d bytes: %v", MaxToken, err)
	}
	if _, err := k.Sign("at+jwt", []byte(payload(MaxToken+1))); err == nil {
		t.Error("Sign made a token that Verify refuses")
	}
}

func TestBombsAreRefusedFast(t *testing.T) {
	k := testKey(RS256)
	members := func(n int, f func(i int) string) string {
		var all []string
		for i := range n {
			all = append(all, f(i))
		}
		return headerOf(k, all...)
	}
	bombs := map[string]string{
		"10 MB":             strings.Repeat("A", 10<<20),
		"10 MB of dots":     strings.Repeat(".", 10<<20),
		"16 kB of dots":     strings.Repeat(".", MaxToken),
		"deep arrays":       encode(`{"a":`+strings.Repeat("[", 12_000)) + ".e30.AAAA",
		"deep objects":      encode(strings.Repeat(`{"a":`, 2_400)) + ".e30.AAAA",
		"closed arrays":     encode(headerOf(k, `"a":`+strings.Repeat("[", 5_000)+strings.Repeat("]", 5_000))) + ".e30.AAAA",
		"many members":      encode(members(1500, func(i int) string { return fmt.Sprintf(`"%d":0`, i) })) + ".e30.AAAA",
		"many duplicates":   encode(members(1500, func(int) string { return `"x":0` })) + ".e30.AAAA",
		"large number":      encode(headerOf(k, `"x":1e999999999`)) + ".e30.AAAA",
		"large payload":     encode(headerOf(k)) + "." + strings.Repeat("A", 15_000) + "." + encode(make([]byte, 256)),
		"large signature":   encode(headerOf(k)) + ".e30." + strings.Repeat("A", 15_000),
		"escapes":           encode(headerOf(k, `"x":"`+strings.Repeat(`\u0000`, 1_900)+`"`)) + ".e30.AAAA",
		"compressed header": encode(headerOf(k, `"zip":"DEF"`)) + "." + encode("\x78\x9c") + ".AAAA",
	}
	for name, bomb := range bombs {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			refused(t, bomb, k)
			if took := time.Since(began); took > time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

// An error is logged and may be shown: it must not carry what the token says.
func TestRefusalQuotesNothingOfTheToken(t *testing.T) {
	k := testKey(ES256)
	for _, token := range []string{
		forge(k, headerOf(k, `"marker":"marker"`, `"marker":1`), claims),
		forge(k, `{"alg":"marker","kid":"marker","typ":"at+jwt"}`, claims),
		forge(k, `{"alg":"marker","kid":"marker","typ":"marker"}`, claims),
		"marker.marker.marker",
	} {
		_, err := Verify(token, "at+jwt", finder(k))
		if err == nil || strings.Contains(err.Error(), "marker") {
			t.Errorf("err = %v", err)
		}
	}
}
