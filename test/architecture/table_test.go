package architecture

// mayImport says which areas of the tree an area may import besides itself: strictly downward, and server and admin
// never see each other. An area is the longest of these folders that a file lies in; a folder that is in no area is a
// fault, so that nobody adds a floor by accident.
func mayImport() map[string][]string {
	return map[string][]string{
		"cmd":             {"server", "admin", "oauth", "account", "store", "store/redis", "store/bolt", "store/memory", "templates", "protect", "internal"},
		"server":          {"oauth", "account", "store", "templates", "internal"},
		"admin":           {"oauth", "account", "store", "templates", "internal"},
		"oauth":           {"account", "store", "internal"},
		"account":         {"store", "internal"},
		"store":           {"internal"},
		"store/redis":     {"store", "internal"},
		"store/bolt":      {"store", "internal"},
		"store/memory":    {"store", "internal"},
		"store/storetest": {"store", "internal"},
		"templates":       {"internal"},
		"protect":         {"internal"},
		"internal":        {},
		"examples":        {"protect"}, // programs of other people, who see what is exported
		"test":            {anything},
	}
}

const anything = "*"

// testAreas are imported by tests only.
func testAreas() []string { return []string{"test", "store/storetest", "internal/redistest"} }

// homes says where a library may be imported outside of tests: folders, or one file. The longest path decides. A library
// that stands outside the module and is not named here has no home yet; the standard library is free unless named.
func homes() map[string][]string {
	return map[string][]string{
		"github.com/redis/go-redis/v9":    {"store/redis", "test/load"}, // the floor of the benchmarks
		"go.etcd.io/bbolt":                {"store/bolt"},
		"github.com/go-oauth2/oauth2/v4":  {"oauth/engine.go"},
		"github.com/go-jose/go-jose/v4":   {"internal/jose"},
		"github.com/gorilla/mux":          {"server", "admin", "cmd"},
		"github.com/danielgtaylor/huma":   {"admin/api"},
		"github.com/google/uuid":          {"account", "oauth", "internal/web"},
		"golang.org/x/crypto/argon2":      {"account"},
		"golang.org/x/text":               {"account"},
		"golang.org/x/oauth2":             {"cmd", "examples", "test"},
		"golang.org/x/net/html":           {"test"},
		"github.com/chromedp":             {"test"},
		"github.com/spf13/cobra":          {"cmd"},
		"github.com/spf13/pflag":          {"cmd"},
		"github.com/knadh/koanf":          {"cmd"},
		"go.yaml.in/yaml/v3":              {"cmd"},
		"github.com/prometheus":           {"internal/telemetry"},
		"go.opentelemetry.io":             {"internal/telemetry"},
		"google.golang.org/protobuf":      {"internal/telemetry"},
		"github.com/rogpeppe/go-internal": {},

		"html":                {"templates", "examples", "test"},
		"html/template":       {"templates"},
		"text/template":       {},
		"text/template/parse": {"templates"}, // what html/template is made of
		"net/http":            {"server", "admin", "cmd", "protect", "internal/web", "internal/telemetry", "examples", "test"},
		"net/http/pprof":      {"cmd"},
		"flag":                {"cmd", "test"},
		"log":                 {"examples"}, // a few lines each; the server logs by log/slog
		"log/slog":            {"cmd", "server", "admin", "protect", "internal/web", "internal/telemetry", "examples", "test"},
		"math/rand":           {"store/bolt/verbs.go"}, // versions of records, which are no secrets
		"testing":             {"test", "store/storetest", "internal/redistest"},
		"unsafe":              {},
		"C":                   {},
	}
}

// environmentHomes may read environment variables.
func environmentHomes() []string { return []string{"cmd", "examples", "test", "internal/redistest"} }

// Lengths of a file outside of tests, in lines.
const (
	longFile    = 400 // reported
	tooLongFile = 500 // refused
)
