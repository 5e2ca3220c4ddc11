package e2e

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grantor-dev/grantor/test/authtest"
)

// kept is what a store of an older version holds, beside it in testdata. Everything in it was made for this test.
type kept struct {
	Note      string    `json:"note"`
	Version   string    `json:"version"`
	Made      time.Time `json:"made"`
	Issuer    string    `json:"issuer"`
	MasterKey string    `json:"master_key"`

	Refresh map[string]string `json:"refresh"` // by client
	Access  map[string]string `json:"access"`  // by client
	Used    string            `json:"used"`    // a refresh token of spa that was used, long ago
	Revoked string            `json:"revoked"` // a refresh token of other
	Cookie  *http.Cookie      `json:"cookie"`  // of alice, signed in
	KeyIDs  []string          `json:"key_ids"`
}

const (
	upgradeIssuer = "http://localhost:4597"
	upgradeKey    = "dGVzdC1kYXRhLW9ubHktZm9yLXRoZS11cGdyYWRlISE=" // "test-data-only-for-the-upgrade!!"
)

// long has what a store holds last as long as it may, so that it still is there when the test runs in years.
func long() []string {
	return []string{
		"--refresh-token-idle", "3650d", "--refresh-token-absolute", "3650d", "--session-idle", "365d", "--session-absolute", "365d",
		"--access-token-lifetime", "24h", "--refresh-grace", "0s", "--key-rotation", "365d",
	}
}

// TestMakeAStoreOfAnOlderVersion makes what TestStoresOfOlderVersionsOpen reads; see testdata/upgrade/README.md.
func TestMakeAStoreOfAnOlderVersion(t *testing.T) {
	version := os.Getenv("GRANTOR_TEST_MAKE_STORE")
	if version == "" {
		t.Skip("only when a version is kept: GRANTOR_TEST_MAKE_STORE names it")
	}
	s := authtest.Start(t, authtest.Options{Store: authtest.Bolt, Issuer: upgradeIssuer, MasterKey: upgradeKey, Args: long()})
	k := &kept{
		Note:    "Test data: a store of an older version, with the key that opens it. Nothing in it was ever used for anything else.",
		Version: version, Made: time.Now().UTC().Truncate(time.Second), Issuer: upgradeIssuer, MasterKey: upgradeKey,
		Refresh: map[string]string{}, Access: map[string]string{},
	}
	alice := s.Browser(t)
	alice.SignIn(authtest.Alice)
	k.Cookie = alice.SessionCookie()
	for _, id := range []string{"web", "jwt", "native", "post"} {
		tokens := alice.Tokens(s.App(id), authtest.Alice)
		k.Refresh[id], k.Access[id] = tokens.Refresh(), tokens.Access()
	}
	used := s.Browser(t).Tokens(s.App("spa"), authtest.Bob)
	next := s.App("spa").Refresh(t, used.Refresh())
	k.Used, k.Refresh["spa"], k.Access["spa"] = used.Refresh(), next.Refresh(), next.Access()
	ended := s.Browser(t).Tokens(s.App("other"), authtest.Bob)
	s.App("other").Revoke(t, ended.Refresh())
	k.Revoked = ended.Refresh()
	k.Access["machine"] = s.App("machine").Machine(t).Access()
	k.KeyIDs = strings.Fields(keyIDs(t, s))
	mustStop(t, s)
	for _, args := range [][]string{
		{"api", "create", "https://kept.example.test", "--scope", "kept:read=Read what was kept."},
		{"group", "create", "keepers", "--permission", "clients:view"},
		{"user", "create", "keeper", "--generate", "--group", "keepers"},
		{"user", "block", "keeper"},
		{"client", "disable", "no-refresh"},
	} {
		if out, err := s.Command(args...); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	folder, err := filepath.Abs("testdata/upgrade")
	must(t, err)
	must(t, os.MkdirAll(folder, 0o755))
	file, err := os.Create(filepath.Join(folder, version+".db.gz"))
	must(t, err)
	zip, err := gzip.NewWriterLevel(file, gzip.BestCompression)
	must(t, err)
	content, err := os.ReadFile(filepath.Join(s.Dir, "grantor.db"))
	must(t, err)
	_, err = zip.Write(content)
	must(t, err)
	must(t, zip.Close())
	must(t, file.Close())
	text, err := json.MarshalIndent(k, "", "  ")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(folder, version+".json"), append(text, '\n'), 0o644))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mustStop(t testing.TB, s *authtest.Server) {
	t.Helper()
	must(t, s.Stop())
}

// unpacked gives a copy of a store that was kept.
func unpacked(t testing.TB, path string) string {
	t.Helper()
	file, err := os.Open(path)
	must(t, err)
	defer file.Close()
	zip, err := gzip.NewReader(file)
	must(t, err)
	content, err := io.ReadAll(zip)
	must(t, err)
	to := filepath.Join(t.TempDir(), "grantor.db")
	must(t, os.WriteFile(to, content, 0o600))
	return to
}

// part reads a part of a JWT without looking at its signature.
func part(t testing.TB, jwt string, n int) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(jwt, ".")[n])
	must(t, err)
	var claims map[string]any
	must(t, json.Unmarshal(raw, &claims))
	return claims
}
