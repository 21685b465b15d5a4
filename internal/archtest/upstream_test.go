package archtest

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// upstream is a project whose acceptance tests docs/conformance.md goes through.
type upstream struct {
	version string
	// cases are by the file that they are in, without _test.go.
	cases map[string][]upstreamCase
}

// upstreamCase is one acceptance test: the texts of its "when" groups from the
// outside in, and of its "it" at the end.
type upstreamCase []string

func (c upstreamCase) String() string { return strings.Join(c, ": ") }

// readUpstream reads the acceptance tests of a Go module, in the version that the
// go.mod file in dir has.
func readUpstream(t *testing.T, dir, module string) upstream {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", module)
	cmd.Dir = filepath.Join("../..", dir)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("find %s: %v\n%s", module, err, out)
	}
	var found struct{ Version, Dir string }
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(found.Dir, "acceptance", "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no acceptance tests: %v", module, err)
	}
	u := upstream{found.Version, map[string][]upstreamCase{}}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), "_test.go")
		collect(file, nil, func(c upstreamCase) { u.cases[name] = append(u.cases[name], c) })
	}
	return u
}

// collect passes on every case below a node. Texts that are not literals are left
// out.
func collect(node ast.Node, within []string, found func(upstreamCase)) {
	ast.Inspect(node, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 2 {
			return true
		}
		function, _ := call.Fun.(*ast.Ident)
		if selector, ok := call.Fun.(*ast.SelectorExpr); ok { // it.Focus, when.Pend
			function, _ = selector.X.(*ast.Ident)
		}
		text, _ := call.Args[0].(*ast.BasicLit)
		if function == nil || text == nil || text.Kind != token.STRING {
			return true
		}
		said, err := strconv.Unquote(text.Value)
		if err != nil {
			return true
		}
		inner := append(within[:len(within):len(within)], strings.TrimSpace(said))
		switch function.Name {
		case "when":
			collect(call.Args[1], inner, found)
			return false
		case "it":
			found(inner)
			return false
		}
		return true
	})
}
