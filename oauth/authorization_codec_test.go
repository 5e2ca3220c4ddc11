package oauth

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/store"
	"github.com/grantor-dev/grantor/store/memory"
)

// fill sets everything below v to something that is not its zero value, so that a field which the codec does not know is
// missing from what it gives back.
func fill(t testing.TB, v reflect.Value, r *rand.Rand) {
	t.Helper()
	switch at := v.Addr().Interface().(type) {
	case *time.Time:
		*at = time.Unix(r.Int64N(1<<34)-1<<33, r.Int64N(int64(time.Second))).UTC()
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("%x\x00ü", r.Uint64()))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(1 + r.Uint64N(255))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), r)
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i), r)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+r.IntN(40), 64))
		for i := range v.Len() {
			fill(t, v.Index(i), r)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), r)
		}
	default:
		t.Fatalf("a field of type %s: say here how it is filled, and in authorization_codec.go how it is kept", v.Type())
	}
}

func filled(t testing.TB, seed uint64) *Authorization {
	a := new(Authorization)
	fill(t, reflect.ValueOf(a).Elem(), rand.New(rand.NewPCG(seed, 1)))
	return a
}

// sameAfterwards keeps an authorization and reads it again.
func sameAfterwards(t *testing.T, a *Authorization) {
	t.Helper()
	b, err := encodeAuthorization(a)
	if err != nil {
		t.Fatal(err)
	}
	got := new(Authorization)
	if err := decodeAuthorization(b, got); err != nil || !reflect.DeepEqual(got, a) {
		t.Errorf("%v\nwrote %+v\nread  %+v", err, a, got)
	}
}

func TestEveryFieldOfAnAuthorizationIsKept(t *testing.T) {
	for seed := range uint64(200) {
		sameAfterwards(t, filled(t, seed))
	}
}

func TestAuthorizationIsKeptWhateverIsMissing(t *testing.T) {
	sameAfterwards(t, &Authorization{})
	whole := reflect.ValueOf(filled(t, 1)).Elem()
	for i := range whole.NumField() {
		t.Run(whole.Type().Field(i).Name, func(t *testing.T) {
			without, only := *whole.Addr().Interface().(*Authorization), Authorization{}
			reflect.ValueOf(&without).Elem().Field(i).SetZero()
			reflect.ValueOf(&only).Elem().Field(i).Set(whole.Field(i))
			sameAfterwards(t, &without)
			sameAfterwards(t, &only)
		})
	}
	for _, c := range []codeState{{}, {URIGiven: true}, {Redeemed: true}} {
		sameAfterwards(t, &Authorization{Code: &c})
	}
}

func TestTokensThatReachAsFarAsTheirAuthorizationShareItsLists(t *testing.T) {
	a := filled(t, 1)
	a.Access = a.Access[:1]
	a.Access[0].Scope, a.Access[0].Audience = a.Scope, a.Audience
	sameAfterwards(t, a)
	same, _ := encodeAuthorization(a)
	a.Access[0].Scope = a.Scope[1:]
	sameAfterwards(t, a)
	if other, _ := encodeAuthorization(a); len(other) < len(same)+20 {
		t.Errorf("%d bytes with the same scope, %d with another", len(same), len(other))
	}
}

func TestRecordsOfOlderVersionsAreRead(t *testing.T) {
	for seed := range uint64(20) {
		a := filled(t, seed)
		written, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		got := new(Authorization)
		if err := decodeAuthorization(written, got); err != nil || !reflect.DeepEqual(got, a) {
			t.Fatalf("%v\nwrote %s\nread  %+v", err, written, got)
		}
	}
	const machine = `{"id":"019ab0c1d2e37f4a8b5c6d7e8f901234","client_id":"shop","scope":"api:read",` +
		`"created":"2026-05-01T10:00:00.5Z","expires":"2026-05-01T10:10:00.5Z","access":[` +
		`{"digest":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8","scope":"api:read","issued":"2026-05-01T10:00:00.5Z","expires":"2026-05-01T10:10:00.5Z"}]}`
	b := memory.New()
	r := store.Record{Kind: authorizationKind, ID: "019ab0c1d2e37f4a8b5c6d7e8f901234", Value: []byte(machine)}
	if _, err := b.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	all := newAuthorizations(b)
	old, err := all.Load(t.Context(), r.ID)
	if err != nil || old.Value.ClientID != "shop" || len(old.Value.Access) != 1 || old.Value.Access[0].Digest[31] != 31 {
		t.Fatalf("%v: %+v", err, old.Value)
	}
	next := *old.Value
	next.Expires = next.Expires.Add(100 * 365 * day)
	if _, err := all.Swap(t.Context(), old, &next); err != nil {
		t.Fatal(err)
	}
	if stored, err := b.Get(t.Context(), r.Kind, r.ID); err == nil && stored.Value[0] == '{' {
		t.Error("what is written anew is written as before")
	}
}

func TestDamagedAuthorizationIsAFault(t *testing.T) {
	b, _ := encodeAuthorization(filled(t, 1))
	for n := range len(b) {
		if err := decodeAuthorization(b[:n], new(Authorization)); err == nil {
			t.Fatalf("%d of %d bytes were taken for a record", n, len(b))
		}
	}
	for name, damaged := range map[string]string{
		"more than a record": string(b) + "\x00",
		"format of tomorrow": "\x02" + string(b[1:]),
		"unknown bits":       "\x01\x80\x01" + string(b[2:]),
		"endless number":     "\x01" + strings.Repeat("\xff", 20),
		"many tokens":        "\x01\x00" + strings.Repeat("\x00", 12) + "\xff\xff\xff\xff\x0f",
		"text":               "authorization",
	} {
		if err := decodeAuthorization([]byte(damaged), new(Authorization)); err == nil {
			t.Errorf("%s: taken for a record", name)
		}
	}
}

func FuzzAuthorizationRecord(f *testing.F) {
	small := filled(f, 1) // the search makes nothing of long ones
	small.Scope, small.Audience, small.Access = small.Scope[:1], small.Audience[:1], small.Access[:1]
	small.Access[0].Scope, small.Access[0].Audience = Scope{"a"}, nil
	b, _ := encodeAuthorization(small)
	f.Add(b)
	text, _ := json.Marshal(small)
	f.Add(text)
	machine, _ := encodeAuthorization(&Authorization{ID: "1", ClientID: "c", Scope: Scope{"a"}, Access: []accessState{{Scope: Scope{"a"}}}})
	f.Add(machine)
	f.Fuzz(func(t *testing.T, b []byte) {
		a := new(Authorization)
		if decodeAuthorization(b, a) != nil {
			return
		}
		again, err := encodeAuthorization(a)
		if err != nil {
			t.Fatal(err)
		}
		got := new(Authorization)
		if err := decodeAuthorization(again, got); err != nil {
			t.Fatalf("%x was read, and %x of it was not: %v", b, again, err)
		}
		if third, _ := encodeAuthorization(got); string(third) != string(again) {
			t.Fatalf("%x became %x", again, third)
		}
	})
}

func BenchmarkAuthorizationRecord(b *testing.B) {
	now := time.Now()
	scope, audience := Scope{"profile", "api:read", "api:write"}, []string{"https://api.example.com"}
	a := &Authorization{
		ID: newAuthorizationID(), ClientID: "client", Scope: scope, Audience: audience, Created: now, Expires: now.Add(time.Hour),
		Access: []accessState{{Scope: scope, Audience: audience, Issued: now, Expires: now.Add(time.Hour)}},
	}
	compact, _ := encodeAuthorization(a)
	text, _ := json.Marshal(a)
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = encodeAuthorization(a)
		}
	})
	b.Run("write JSON", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = json.Marshal(a)
		}
	})
	for name, value := range map[string][]byte{"read": compact, "read JSON": text} {
		b.Run(name, func(b *testing.B) {
			b.ReportMetric(float64(len(value)), "bytes")
			b.ReportAllocs()
			for b.Loop() {
				_ = decodeAuthorization(value, new(Authorization))
			}
		})
	}
}
