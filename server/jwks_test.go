package server_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/internal/jose"
	"github.com/grantor-dev/grantor/oauth"
)

type keySet struct {
	Keys []map[string]any `json:"keys"`
}

func (s *site) keySet() keySet {
	s.t.Helper()
	a := s.get("/oauth2/jwks")
	a.wantStatus(http.StatusOK)
	a.wantHeader("Content-Type", "application/json")
	var set keySet
	ok(s.t, json.Unmarshal(a.Body.Bytes(), &set))
	return set
}

func TestPublicKeysAreServed(t *testing.T) {
	s := usual(t)
	for _, alg := range jose.Algorithms {
		ok(t, s.keys.Ensure(t.Context(), alg))
	}
	set := s.keySet()
	if len(set.Keys) < 2*len(jose.Algorithms) { // current and next
		t.Fatalf("%d keys", len(set.Keys))
	}
	seen := map[any]bool{}
	for _, key := range set.Keys {
		if key["kty"] == nil || key["kid"] == nil || key["alg"] == nil || key["use"] != "sig" || seen[key["kid"]] {
			t.Errorf("key %v", key)
		}
		seen[key["kid"]] = true
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
			if _, told := key[private]; told {
				t.Errorf("the private part %s of a key is served", private)
			}
		}
	}
}

func TestRetiredAndNextKeysAreServed(t *testing.T) {
	s := usual(t)
	before, tag := s.keySet(), s.get("/oauth2/jwks").Header().Get("ETag")
	ok(t, s.keys.RotateNow(t.Context(), ""))
	after := map[any]bool{}
	for _, key := range s.keySet().Keys {
		after[key["kid"]] = true
	}
	for _, key := range before.Keys {
		if !after[key["kid"]] {
			t.Errorf("key %v is gone after a rotation", key["kid"])
		}
	}
	if len(after) <= len(before.Keys) {
		t.Errorf("%d keys after a rotation, %d before", len(after), len(before.Keys))
	}
	if s.get("/oauth2/jwks").Header().Get("ETag") == tag {
		t.Error("the tag is that of the old keys")
	}
}

// Whoever keeps the key set for as long as it says knows every key by the time that it signs.
func TestKeySetIsKeptForLessThanAKeyIsPublishedAhead(t *testing.T) {
	kept, found := strings.CutPrefix(usual(t).get("/oauth2/jwks").Header().Get("Cache-Control"), "public, max-age=")
	seconds, err := strconv.Atoi(kept)
	if !found || err != nil {
		t.Fatalf("Cache-Control: %s", kept)
	}
	if age := time.Duration(seconds) * time.Second; age < time.Minute || age > oauth.KeyPublishTime-time.Minute {
		t.Errorf("the key set may be kept for %s, a key is published for %s before it signs", age, oauth.KeyPublishTime)
	}
}

func TestOldTokensVerifyAfterARotation(t *testing.T) {
	s := usual(t)
	token := s.machine("jwt")
	ok(t, s.keys.RotateNow(t.Context(), ""))
	if !s.active("jwt", token) {
		t.Error("a token is not active after a rotation")
	}
}
