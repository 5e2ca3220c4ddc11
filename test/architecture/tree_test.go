package architecture

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/grantor-dev/grantor"

// source is one Go file of the tree.
type source struct {
	path  string // from the root, with slashes
	ast   *ast.File
	lines int
}

func (s source) folder() string { return path.Dir(s.path) }
func (s source) isTest() bool   { return strings.HasSuffix(s.path, "_test.go") }

// imports gives the paths that the file imports.
func (s source) imports() []string {
	var all []string
	for _, spec := range s.ast.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil { // the parser has seen to it
			all = append(all, p)
		}
	}
	return all
}

// tree is every Go file of the module.
type tree struct {
	files   *token.FileSet
	sources []source
}

func newTree() *tree { return &tree{files: token.NewFileSet()} }

func (t *tree) add(name, text string) error {
	f, err := parser.ParseFile(t.files, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	t.sources = append(t.sources, source{name, f, strings.Count(text, "\n")})
	return nil
}

// position names the place of a node as people click it.
func (t *tree) position(n ast.Node) string {
	p := t.files.Position(n.Pos())
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}

// readTree parses the module at root. Hidden folders, testdata and modules of their own are not part of it.
func readTree(root string) (*tree, error) {
	t := newTree()
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != root && isForeign(name):
			return filepath.SkipDir
		case entry.IsDir() || filepath.Ext(name) != ".go":
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		return t.add(filepath.ToSlash(relative), string(text))
	})
	return t, err
}

func isForeign(folder string) bool {
	base := filepath.Base(folder)
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil || base == "testdata" || strings.HasPrefix(base, ".")
}

// packages groups the sources outside of tests by folder. A folder with tests alone is not listed.
func (t *tree) packages() map[string][]source {
	all := map[string][]source{}
	for _, s := range t.sources {
		if !s.isTest() {
			all[s.folder()] = append(all[s.folder()], s)
		}
	}
	return all
}

// longest gives the longest of the folders that p is or lies in.
func longest(folders []string, p string) (string, bool) {
	best, found := "", false
	for _, f := range folders {
		if within(p, f) && (!found || len(f) > len(best)) {
			best, found = f, true
		}
	}
	return best, found
}

func within(p, folder string) bool { return p == folder || strings.HasPrefix(p, folder+"/") }

func withinAny(p string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return within(p, f) })
}
