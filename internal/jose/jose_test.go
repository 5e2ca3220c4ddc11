package jose

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
)

const claims = `{"iss":"https://id.example","sub":"alice"}`

// made holds one key of each algorithm, and a second one, for the whole run: RSA is slow to make.
var made = sync.OnceValue(func() map[Algorithm][2]*Key {
	keys := map[Algorithm][2]*Key{}
	for _, a := range Algorithms {
		keys[a] = [2]*Key{must(GenerateKey(a)), must(GenerateKey(a))}
	}
	return keys
})

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func testKey(a Algorithm) *Key  { return made()[a][0] }
func otherKey(a Algorithm) *Key { return made()[a][1] }

// finder knows keys by their kid, as a keyring does.
func finder(keys ...*Key) func(string) (*Key, bool) {
	return func(kid string) (*Key, bool) {
		for _, k := range keys {
			if k.ID == kid {
				return k, true
			}
		}
		return nil, false
	}
}

func encode[T string | []byte](b T) string { return base64.RawURLEncoding.EncodeToString([]byte(b)) }

// forge signs any header and payload correctly.
func forge(k *Key, header, payload string) string {
	input := encode(header) + "." + encode(payload)
	return input + "." + encode(must(k.signature([]byte(input))))
}

func headerOf(k *Key, more ...string) string {
	members := append([]string{
		fmt.Sprintf(`"alg":%q`, k.Algorithm), fmt.Sprintf(`"kid":%q`, k.ID), `"typ":"at+jwt"`,
	}, more...)
	return "{" + strings.Join(members, ",") + "}"
}

func publicJWK(t testing.TB, k *Key) string {
	t.Helper()
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(must(MarshalSet([]*Key{k})), &set); err != nil {
		t.Fatal(err)
	}
	return string(set.Keys[0])
}
