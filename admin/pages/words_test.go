package pages

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/grantor-dev/grantor/oauth"
)

// program visits every file of the program that may record or refuse something.
func program(t *testing.T, visit func(path string, file *ast.File)) {
	t.Helper()
	root := os.DirFS("../..")
	for _, folder := range []string{"account", "oauth", "admin", "server", "cmd"} {
		err := fs.WalkDir(root, folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "/audit_words.go") {
				return err
			}
			text, err := fs.ReadFile(root, path)
			if err != nil {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
			if err == nil {
				visit(path, file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// composed are the actions that the code puts together from two parts.
var composed = map[string][]string{
	"user.":   {"user.blocked", "user.unblocked"},
	"client.": {"client.enabled", "client.disabled"},
}

// Whatever looks like an action anywhere in the program counts as one: the log must not show what nobody can read.
func TestEveryActionInTheProgramHasWords(t *testing.T) {
	action := regexp.MustCompile(`^[a-z_]+\.[a-z_]*$`)
	recorded := map[string]string{}
	program(t, func(path string, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			if err != nil || !action.MatchString(text) || fileName.MatchString(text) {
				return true
			}
			actions, known := composed[text]
			if !known {
				actions = []string{text}
			}
			for _, a := range actions {
				recorded[a] = path
			}
			return true
		})
	})
	if len(recorded) < 20 {
		t.Fatalf("only %d actions were found", len(recorded))
	}
	for a, path := range recorded {
		if !slices.ContainsFunc(auditWords, func(w wording) bool { return w.action == a }) {
			t.Errorf("%s: %q has no words in auditWords (or is no action: then fileName should know)", path, a)
		}
	}
	for _, w := range auditWords {
		if recorded[w.action] == "" {
			t.Errorf("%q has words, but nobody records it", w.action)
		}
		kind, _, _ := strings.Cut(w.action, ".")
		if !slices.ContainsFunc(auditKinds, func(k struct{ kind, title string }) bool { return k.kind == kind }) {
			t.Errorf("%q is of a kind without a title", w.action)
		}
		if w.said == "" || w.title == "" || strings.Count(w.said, "{}") > 1 {
			t.Errorf("%q is said as %q", w.action, w.said)
		}
	}
}

// fileName matches what looks like an action and is none.
var fileName = regexp.MustCompile(`\.(csv|db|go|html|json|jsonl|key|log|pem|tmp|txt|yaml)$`)

func TestEveryErrorCodeHasWords(t *testing.T) {
	found := 0
	program(t, func(_ string, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Code" {
				return true
			}
			code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found++
			if why := reasons[oauth.Code(code)]; why.title == "" || !strings.HasSuffix(why.sentence, ".") {
				t.Errorf("%s has no words", code)
			}
			return true
		})
	})
	if found != len(reasons) {
		t.Errorf("%d codes, %d words", found, len(reasons))
	}
	if got := reasonOf("invalid_dpop_proof"); got.title != "invalid_dpop_proof" || got.sentence == "" {
		t.Errorf("a code that nobody knows is told as %+v", got)
	}
}
