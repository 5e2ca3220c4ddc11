package architecture

import (
	"slices"
	"strings"
	"testing"
)

// one makes a tree of one file.
func one(t *testing.T, name, text string) *tree {
	t.Helper()
	made := newTree()
	if err := made.add(name, text); err != nil {
		t.Fatal(err)
	}
	return made
}

func TestForbiddenImportsAreFound(t *testing.T) {
	own := func(p string) string { return module + "/" + p }
	for _, c := range []struct {
		file, imported string
		want           string // part of the fault, "" for none
	}{
		{"cmd/grantor/serve.go", own("server"), ""},
		{"cmd/grantor/serve.go", own("admin"), ""},
		{"cmd/grantor/serve.go", own("store/redis"), ""},
		{"cmd/grantor/serve.go", own("store/storetest"), "it is for tests"},
		{"cmd/grantor/serve.go", own("test/authtest"), "it is for tests"},
		{"cmd/other/main.go", own("cmd/grantor"), ""},
		{"server/token.go", own("oauth"), ""},
		{"server/token.go", own("account"), ""},
		{"server/token.go", own("internal/web"), ""},
		{"server/token.go", own("templates"), ""},
		{"server/token.go", own("admin"), "server may import"},
		{"server/token.go", own("cmd/grantor"), "server may import"},
		{"server/token.go", own("store/redis"), "server may import"},
		{"server/token.go", own("internal/redistest"), "it is for tests"},
		{"admin/client.go", own("server"), "admin may import"},
		{"admin/client.go", own("oauth"), ""},
		{"oauth/token.go", own("store"), ""},
		{"oauth/token.go", own("account"), ""},
		{"oauth/token.go", own("server"), "oauth may import"},
		{"oauth/token.go", own("templates"), "oauth may import"},
		{"oauth/token.go", own("store/memory"), "oauth may import"},
		{"oauth/deep/token.go", own("server"), "oauth may import"},
		{"account/user.go", own("store"), ""},
		{"account/user.go", own("oauth"), "account may import"},
		{"store/cache.go", own("account"), "store may import"},
		{"store/cache.go", own("store/bolt"), "store may import"},
		{"store/redis/redis.go", own("store"), ""},
		{"store/redis/redis.go", own("store/bolt"), "store/redis may import"},
		{"store/storetest/lists.go", own("store"), ""},
		{"store/storetest/lists.go", own("store/memory"), "store/storetest may import"},
		{"templates/pages.go", own("oauth"), "templates may import"},
		{"internal/web/web.go", own("account"), "internal may import"},
		{"internal/web/web.go", own("internal/jose"), ""},
		{"protect/protect.go", own("oauth"), "protect may import"},
		{"examples/api/main.go", own("protect"), ""},
		{"examples/api/main.go", own("internal/jose"), "examples may import protect only"},
		{"cmd/grantor/serve.go", own("examples/api"), "cmd may import"},
		{"test/authtest/start.go", own("cmd/grantor"), ""},
		{"helpers/x.go", own("store"), "the folder is in no area"},
		{"server/x.go", own("helpers"), "imported folder is in no area"},
		{"storefront/x.go", own("store"), "the folder is in no area"},

		{"account/user_test.go", own("store/memory"), ""},
		{"account/user_test.go", own("account"), ""},
		{"account/user_test.go", own("oauth"), "what lies below"},
		{"oauth/token_test.go", own("store/memory"), ""},
		{"oauth/token_test.go", own("server"), "what lies below"},
		{"server/token_test.go", own("admin"), "what lies below"},
		{"admin/client_test.go", own("server"), "what lies below"},
		{"server/token_test.go", own("test/authtest"), "what lies below"},
		{"store/redis/redis_test.go", own("internal/redistest"), ""},
		{"store/redis/redis_test.go", own("store/storetest"), ""},
		{"cmd/grantor/serve_test.go", own("server"), ""},
		{"test/e2e/code_test.go", own("test/authtest"), ""},

		{"oauth/token.go", "net/http", "its home is"},
		{"oauth/token.go", "net/http/httptest", "its home is"},
		{"oauth/token.go", "net/url", ""},
		{"oauth/token.go", "html", "its home is"},
		{"oauth/token.go", "html/template", "its home is templates"},
		{"oauth/token.go", "log/slog", "its home is"},
		{"oauth/engine.go", "github.com/go-oauth2/oauth2/v4/manage", ""},
		{"oauth/token.go", "github.com/go-oauth2/oauth2/v4/manage", "its home is oauth/engine.go"},
		{"oauth/engine_test.go", "github.com/go-oauth2/oauth2/v4/manage", ""},
		{"oauth/token.go", "github.com/redis/go-redis/v9", "its home is store/redis"},
		{"store/redis/redis.go", "github.com/redis/go-redis/v9/logging", ""},
		{"store/bolt/bolt.go", "go.etcd.io/bbolt", ""},
		{"store/memory/memory.go", "go.etcd.io/bbolt", "its home is store/bolt"},
		{"server/server.go", "github.com/gorilla/mux", ""},
		{"oauth/server.go", "github.com/gorilla/mux", "its home is"},
		{"internal/jose/sign.go", "github.com/go-jose/go-jose/v4/jwt", ""},
		{"oauth/keyring.go", "github.com/go-jose/go-jose/v4/jwt", "its home is internal/jose"},
		{"server/login.go", "html/template", "its home is templates"},
		{"server/login.go", "text/template", "no place"},
		{"server/login.go", "github.com/spf13/cobra", "its home is cmd"},
		{"server/login.go", "github.com/someone/something", "no home"},
		{"server/login_test.go", "github.com/someone/something", ""},
		{"server/login.go", "log", "its home is examples"},
		{"examples/api/main.go", "log", ""},
		{"server/login.go", "math/rand", "its home is store/bolt/verbs.go"},
		{"server/login.go", "math/rand/v2", "its home is store/bolt/verbs.go"},
		{"server/login_test.go", "math/rand/v2", ""},
		{"server/login.go", "crypto/rand", ""},
		{"server/login.go", "testing", "its home is"},
		{"server/login.go", "unsafe", "no place"},
	} {
		faults := importFaults(one(t, c.file, "package x\nimport _ \""+c.imported+"\"\n"))
		got := strings.Join(faults, "\n")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s imports %s: got %q, want %q", c.file, c.imported, got, c.want)
		}
	}
}

func TestReadsOfTheEnvironmentAreFound(t *testing.T) {
	text := "package x\nimport \"os\"\nfunc f() string {\n\treturn os.Getenv(\"A\")\n}\n"
	for file, want := range map[string]int{"server/a.go": 1, "cmd/grantor/a.go": 0, "server/a_test.go": 0, "internal/redistest/a.go": 0, "cmdx/a.go": 1} {
		if got := environmentFaults(one(t, file, text)); len(got) != want {
			t.Errorf("%s: %q", file, got)
		}
	}
	for _, call := range []string{"os.LookupEnv(\"A\")", "os.Environ()", "os.ExpandEnv(\"A\")", "syscall.Getenv(\"A\")"} {
		if got := environmentFaults(one(t, "oauth/a.go", "package x\nvar _, _ = "+call+"\n")); len(got) != 1 {
			t.Errorf("%s: %q", call, got)
		}
	}
}

func TestFaultsOfStyleAreFound(t *testing.T) {
	head := "// Package x does something.\npackage x\n"
	for name, c := range map[string]struct{ file, text, want string }{
		"good": {"oauth/a.go", head + `
import "errors"
// ErrA is a fault.
var ErrA = errors.New("a")
// The states.
const (
	A = 1
	B = 2
)
var table = map[string]int{"a": 1}
//go:embed a.txt
var file string
// T is a thing.
type T struct{ N int }
// F does something.
func (t *T) F() { t.N = table["a"]; table := map[string]int{}; table["b"] = 2; A := 1; A++; _ = A }
func (t *T) Error() string { return "" }
func (h hidden) F() {}
type hidden struct{}
type Generic1[A any] struct{} // Generic1 is a thing.
// F does nothing.
func (g *Generic1[A]) F() {}
`, ""},
		"no package comment":       {"oauth/a.go", "package x\n", "no file says"},
		"init":                     {"oauth/a.go", head + "func init() {}", "oauth/a.go:3: an init function"},
		"init of a type":           {"oauth/a.go", head + "type t int\nfunc (t) init() {}", ""},
		"function without comment": {"oauth/a.go", head + "func F() {}", "F is exported"},
		"method without comment":   {"oauth/a.go", head + "// T is a thing.\ntype T[A any] struct{}\nfunc (t *T[A]) F() {}", "F is exported"},
		"two parameters":           {"oauth/a.go", head + "// T is a thing.\ntype T[A, B any] struct{}\nfunc (t T[A, B]) F() {}", "F is exported"},
		"function called Error":    {"oauth/a.go", head + "func Error() {}", "Error is exported"},
		"type without comment":     {"oauth/a.go", head + "type T int", "T is exported"},
		"constant without comment": {"oauth/a.go", head + "const A = 1", "A is exported"},
		"command without comment":  {"cmd/x/a.go", "// Command x runs.\npackage main\nfunc F() {}", ""},
		"promise":                  {"oauth/a.go", head + "// TODO: later\n", "a promise"},
		"word of OAuth":            {"account/a.go", head + "func f(oauthClient int) {}", "oauthClient is a word of OAuth"},
		"word of a token":          {"account/a.go", head + "type accessToken int", "accessToken is a word of OAuth"},
		"the same elsewhere":       {"oauth/a.go", head + "type accessToken int", ""},
		"long file":                {"oauth/a.go", head + strings.Repeat("\n", tooLongFile), "split it"},
		"file of the last length":  {"oauth/a.go", head + strings.Repeat("\n", tooLongFile-2), ""},
		"global without value":     {"oauth/a.go", head + "var cache map[string]int", "cache is a global without a value"},
		"made global":              {"oauth/a.go", head + "var cache = make(map[string]int)", "made to be filled"},
		"new global":               {"oauth/a.go", head + "var cache = new(int)", "made to be filled"},
		"global lock":              {"oauth/a.go", head + "import \"sync\"\nvar lock = &sync.Mutex{}", "made to be filled"},
		"assigned":                 {"oauth/a.go", head + "var n = 1\nfunc f() { n = 2 }", "n is a global and is changed"},
		"counted":                  {"oauth/a.go", head + "var n = 1\nfunc f() { n++ }", "n is a global and is changed"},
		"part assigned":            {"oauth/a.go", head + "var n = struct{ a []int }{}\nfunc f() { (n.a)[0] += 1 }", "n is a global and is changed"},
		"behind a pointer":         {"oauth/a.go", head + "var n = f2()\nfunc f2() *int { return nil }\nfunc f() { *n = 1 }", "n is a global and is changed"},
		"in a closure":             {"oauth/a.go", head + "var n = 1\nfunc f() func() { return func() { n = 2 } }", "n is a global and is changed"},
		"shadowed":                 {"oauth/a.go", head + "var n = 1\nfunc f(n int) { n = 2; _ = n }", ""},
		"in a test":                {"oauth/a_test.go", "package x\nvar n int\nfunc init() { n = 2 }", ""},
	} {
		got := strings.Join(codeFaults(one(t, c.file, c.text)), "\n")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestGlobalsAreFollowedAcrossFiles(t *testing.T) {
	made := one(t, "oauth/a.go", "// Package x does something.\npackage x\nvar n = 1\n")
	if err := made.add("oauth/b.go", "package x\nimport \"unknown.example/y\"\nfunc f() { y.Do(); n = 2 }\n"); err != nil {
		t.Fatal(err)
	}
	got := codeFaults(made)
	if len(got) != 1 || !strings.Contains(got[0], "oauth/b.go:3: n is a global") {
		t.Errorf("got %q", got)
	}
}

func TestEveryAreaOfTheTableIsKnownToTheTable(t *testing.T) {
	for area, allowed := range mayImport() {
		for _, name := range allowed {
			if _, ok := mayImport()[name]; !ok && name != anything {
				t.Errorf("%s may import %s, which is no area", area, name)
			}
		}
		if slices.Contains(allowed, area) {
			t.Errorf("%s names itself", area)
		}
	}
}
