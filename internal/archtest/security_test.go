package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// holder is how docs/security.md names a test: its package and its function.
var holder = regexp.MustCompile("`([a-z0-9/-]+)\\.((?:Test|Fuzz)[A-Za-z0-9]+)`")

// TestPromisesAreHeld looks for the tests that docs/security.md names. Each
// promise names one.
func TestPromisesAreHeld(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, promises, found := strings.Cut(string(page), "\n## Promises\n")
	promises, _, ended := strings.Cut(promises, "\n## Not promised\n")
	if !found || !ended {
		t.Fatal("the page has no section of promises")
	}
	known := map[string]map[string]bool{}
	for line := range strings.Lines(promises) {
		if !strings.HasPrefix(line, "* ") {
			continue
		}
		names := holder.FindAllStringSubmatch(line, -1)
		if len(names) == 0 {
			t.Errorf("no test holds %q", line)
		}
		for _, name := range names {
			if known[name[1]] == nil {
				known[name[1]] = testsOf(t, name[1])
			}
			if !known[name[1]][name[2]] {
				t.Errorf("there is no %s in %s", name[2], name[1])
			}
		}
	}
	if len(known) == 0 {
		t.Error("there are no promises")
	}
}

// testsOf are the functions in the test files of a package.
func testsOf(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string]bool{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			if function, ok := declaration.(*ast.FuncDecl); ok && function.Recv == nil {
				functions[function.Name.Name] = true
			}
		}
	}
	return functions
}
