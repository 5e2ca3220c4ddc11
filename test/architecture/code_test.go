package architecture

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// codeFaults looks at every package outside of tests.
func codeFaults(t *tree) []string {
	var faults []string
	for folder, sources := range t.packages() {
		faults = append(faults, packageFaults(folder, sources)...)
		faults = append(faults, globalFaults(t, folder, sources)...)
		for _, s := range sources {
			faults = append(faults, fileFaults(t, s)...)
		}
	}
	slices.Sort(faults)
	return faults
}

func packageFaults(folder string, sources []source) []string {
	described := slices.ContainsFunc(sources, func(s source) bool { return s.ast.Doc != nil })
	if !described {
		return []string{folder + ": no file says in its package comment what the package does"}
	}
	return nil
}

func fileFaults(t *tree, s source) []string {
	var faults []string
	if s.lines > tooLongFile {
		faults = append(faults, fmt.Sprintf("%s has %d lines, more than %d: split it", s.path, s.lines, tooLongFile))
	}
	faults = append(faults, wordFaults(t, s)...)
	for _, d := range s.ast.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			faults = append(faults, t.position(f)+": an init function: wire it in cmd")
		}
		if s.ast.Name.Name != "main" {
			faults = append(faults, commentFaults(t, d)...)
		}
	}
	return faults
}

// commentFaults finds exported names without a sentence. One comment on a group of constants, variables or types serves
// all of them.
func commentFaults(t *tree, d ast.Decl) []string {
	var faults []string
	missing := func(n ast.Node, name string) {
		faults = append(faults, fmt.Sprintf("%s: %s is exported and has no comment", t.position(n), name))
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && isOfExportedType(d) && !isWellKnown(d) {
			missing(d, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			name, described := specName(spec)
			if ast.IsExported(name) && !described && d.Doc == nil {
				missing(spec, name)
			}
		}
	}
	return faults
}

func specName(spec ast.Spec) (name string, described bool) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		return spec.Name.Name, spec.Doc != nil || spec.Comment != nil
	case *ast.ValueSpec:
		return spec.Names[0].Name, spec.Doc != nil || spec.Comment != nil
	}
	return "", true
}

// isWellKnown recognises methods whose whole meaning is their name.
func isWellKnown(f *ast.FuncDecl) bool {
	return f.Recv != nil && slices.Contains([]string{"Error", "String", "Unwrap"}, f.Name.Name)
}

func isOfExportedType(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	receiver := f.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	switch generic := receiver.(type) {
	case *ast.IndexExpr:
		receiver = generic.X
	case *ast.IndexListExpr:
		receiver = generic.X
	}
	name, ok := receiver.(*ast.Ident)
	return ok && name.IsExported()
}

// wordFaults finds OAuth in account, which knows people and not protocols, and promises instead of code.
func wordFaults(t *tree, s source) []string {
	var faults []string
	protocol := regexp.MustCompile(`(?i)oauth|pkce|redirect_?uri|introspect|(access|refresh)_?token`)
	ast.Inspect(s.ast, func(n ast.Node) bool {
		if name, ok := n.(*ast.Ident); ok && within(s.path, "account") && protocol.MatchString(name.Name) {
			faults = append(faults, fmt.Sprintf("%s: %s is a word of OAuth, and account knows none", t.position(n), name.Name))
		}
		return true
	})
	for _, group := range s.ast.Comments {
		if regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b`).MatchString(group.Text()) {
			faults = append(faults, t.position(group)+": a promise in a comment: do it, or open an issue")
		}
	}
	return faults
}

// globalFaults finds variables of a package that change: those that code assigns to, and those that are made to be
// changed. A variable that is set once where it is declared is a constant by another name.
func globalFaults(t *tree, folder string, sources []source) []string {
	info, scope := resolve(t, folder, sources)
	var faults []string
	for _, s := range sources {
		for _, d := range s.ast.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
				faults = append(faults, declarationFaults(t, g)...)
			}
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			for _, target := range assigned(n) {
				if v, ok := info.Uses[target].(*types.Var); ok && v.Parent() == scope {
					faults = append(faults, fmt.Sprintf("%s: %s is a global and is changed", t.position(n), target.Name))
				}
			}
			return true
		})
	}
	return faults
}

// resolve finds out what each name of a package means. Imports stay unknown: names of the package do not need them.
func resolve(t *tree, folder string, sources []source) (*types.Info, *types.Scope) {
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	files := make([]*ast.File, len(sources))
	for i, s := range sources {
		files[i] = s.ast
	}
	config := types.Config{Importer: noImports{}, Error: func(error) {}}
	p, _ := config.Check(folder, t.files, files, info) // the errors are those of unknown imports
	return info, p.Scope()
}

type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not looked at") }

func declarationFaults(t *tree, g *ast.GenDecl) []string {
	var faults []string
	embedded := g.Doc != nil && slices.ContainsFunc(g.Doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed") })
	for _, spec := range g.Specs {
		v := spec.(*ast.ValueSpec)
		if len(v.Values) == 0 && !embedded {
			faults = append(faults, fmt.Sprintf("%s: %s is a global without a value: it can only be one that changes", t.position(v), v.Names[0].Name))
		}
		for _, value := range v.Values {
			if isEmptyContainer(value) {
				faults = append(faults, fmt.Sprintf("%s: %s is a global that is made to be filled", t.position(v), v.Names[0].Name))
			}
		}
	}
	return faults
}

// isEmptyContainer recognises make(…), new(…), and literals of sync and atomic types.
func isEmptyContainer(value ast.Expr) bool {
	if address, ok := value.(*ast.UnaryExpr); ok {
		value = address.X
	}
	switch value := value.(type) {
	case *ast.CallExpr:
		name, ok := value.Fun.(*ast.Ident)
		return ok && (name.Name == "make" || name.Name == "new")
	case *ast.CompositeLit:
		selector, ok := value.Type.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		x, ok := selector.X.(*ast.Ident)
		return ok && (x.Name == "sync" || x.Name == "atomic")
	}
	return false
}

// assigned gives the names that a statement changes, themselves or a part of them.
func assigned(n ast.Node) []*ast.Ident {
	var targets []ast.Expr
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			targets = n.Lhs
		}
	case *ast.IncDecStmt:
		targets = []ast.Expr{n.X}
	}
	var names []*ast.Ident
	for _, e := range targets {
		if name := root(e); name != nil {
			names = append(names, name)
		}
	}
	return names
}

// root gives the name that an expression such as a.b[i].c begins with, nil where it begins otherwise.
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

func TestCodeFollowsTheStyle(t *testing.T) {
	all := wholeTree(t)
	expectNone(t, codeFaults(all))
	for _, s := range all.sources {
		if !s.isTest() && s.lines > longFile {
			t.Logf("%s has %d lines, more than %d", s.path, s.lines, longFile)
		}
	}
}
