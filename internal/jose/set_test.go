package jose

import (
	"strings"
	"testing"
)

func TestAPublishedSetIsReadBack(t *testing.T) {
	var keys []*Key
	for _, a := range Algorithms {
		keys = append(keys, testKey(a))
	}
	got, err := ParseSet(must(MarshalSet(keys)))
	if err != nil || len(got) != len(keys) {
		t.Fatalf("ParseSet = %v, %v", got, err)
	}
	for i, k := range keys {
		if got[i].ID != k.ID || got[i].Algorithm != k.Algorithm || got[i].CanSign() || !got[i].Equal(k) {
			t.Errorf("%s came back as %s", k, got[i])
		}
		token := must(k.Sign("at+jwt", []byte(claims)))
		if _, err := Verify(token, "at+jwt", finder(got[i])); err != nil {
			t.Errorf("%s: %v", k, err)
		}
	}
	if got[0].Equal(got[1]) || got[0].Equal(otherKey(got[0].Algorithm)) {
		t.Error("different keys are equal")
	}
}

// What another server calls its keys is its own affair; so is what else it publishes.
func TestKeysOfASetAreChosen(t *testing.T) {
	for _, a := range Algorithms {
		k := testKey(a)
		one := publicJWK(t, k)
		named := strings.Replace(one, k.ID, "key 1", 1)
		for name, c := range map[string]struct {
			set  string
			want []string // kids
		}{
			"by another name":      {named, []string{"key 1"}},
			"two names":            {one + "," + named, []string{k.ID, "key 1"}},
			"one name twice":       {one + "," + strings.Replace(publicJWK(t, otherKey(a)), otherKey(a).ID, k.ID, 1), []string{k.ID}},
			"without alg":          {strings.Replace(one, `"alg":"`+string(a)+`",`, ``, 1), []string{k.ID}},
			"alg of another type":  {strings.Replace(one, `"alg":"`+string(a)+`"`, `"alg":"HS256"`, 1), nil},
			"use of another kind":  {strings.Replace(one, `"use":"sig"`, `"use":"enc"`, 1), nil},
			"use is no text":       {strings.Replace(one, `"use":"sig"`, `"use":["sig"]`, 1), nil},
			"kid is empty":         {strings.Replace(one, k.ID, "", 1), nil},
			"kid is a number":      {strings.Replace(one, `"`+k.ID+`"`, "7", 1), nil},
			"a secret":             {`{"kty":"oct","kid":"a","k":"AAAA"}`, nil},
			"an unknown type":      {`{"kty":"AKP","kid":"a"},` + one, []string{k.ID}},
			"something else in it": {`7,"a",null,[],` + one, []string{k.ID}},
		} {
			got, err := ParseSet([]byte(`{"keys":[` + c.set + `]}`))
			if err != nil || len(got) != len(c.want) {
				t.Errorf("%s, %s: ParseSet = %v, %v", a, name, got, err)
				continue
			}
			for i, kid := range c.want {
				if got[i].ID != kid || got[i].Algorithm != a {
					t.Errorf("%s, %s: %v", a, name, got[i])
				}
			}
		}
	}
}

func TestWhatIsNoSetIsRefused(t *testing.T) {
	for _, set := range []string{``, `{}`, `[]`, `null`, `{"keys":null}`, `{"keys":{}}`, `{"keys":"a"}`, `{"KEYS":[]}`, `{"keys":[],"keys":[]}`, `{"keys":[]`} {
		if got, err := ParseSet([]byte(set)); err == nil || got != nil {
			t.Errorf("%s: %v", set, got)
		}
	}
	if got, err := ParseSet([]byte(`{"keys":[]}`)); err != nil || len(got) != 0 {
		t.Errorf("an empty set: %v, %v", got, err)
	}
}

func FuzzParseSet(f *testing.F) {
	f.Add(must(MarshalSet([]*Key{testKey(ES256), testKey(EdDSA), testKey(RS256)})))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"","y":"","kid":"a"}]}`))
	f.Fuzz(func(t *testing.T, set []byte) {
		keys, err := ParseSet(set)
		if err != nil && keys != nil {
			t.Error("keys beside an error")
		}
		for _, k := range keys {
			if k.ID == "" || k.Algorithm.Check() != nil || k.CanSign() {
				t.Errorf("bad key %v", k)
			}
		}
	})
}
