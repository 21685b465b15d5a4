package archtest

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite docs/messages.md")

const messages = "../../docs/messages.md"

// TestMessages holds docs/messages.md against the texts in the source, so that
// every change of words shows in a review.
func TestMessages(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	page.WriteString(`# Messages

Every text of two words or more in the source of each package: errors, hints, warnings, lines of the log, and what commands print. ` + "`%s`" + ` and the like stand for what a message names. Look for the words around it. The help of commands is in [cli](cli/pack-cache.md).

` + "`go test ./internal/archtest -update`" + ` writes this page.
`)
	texts := texts(t)
	for _, dir := range slices.Sorted(maps.Keys(texts)) {
		fmt.Fprintf(&page, "\n## %s\n\n", dir)
		for _, text := range slices.Sorted(maps.Keys(texts[dir])) {
			fmt.Fprintf(&page, "    %s\n", text)
		}
	}
	if *update {
		if err := os.WriteFile(messages, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(read(t, "docs/messages.md"), page.String()); diff != "" {
		t.Errorf("docs/messages.md; `go test ./internal/archtest -update` writes it (-page +source):\n%s", diff)
	}
}

// twoWords is what makes a literal a text.
var twoWords = regexp.MustCompile(`[A-Za-z]{2,}[,:;]? +(%?[A-Za-z]{2,}|%[sqvd])|%[sqvdw][,:;]? +[A-Za-z]{2,}`)

// texts are the literals of each package of the product that are texts.
func texts(t *testing.T) map[string]map[string]bool {
	t.Helper()
	found := map[string]map[string]bool{}
	for _, top := range []string{"builder", "cmd", "internal", "layers", "lifecycle", "platform", "trust"} {
		err := filepath.WalkDir("../../"+top, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			dir := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../../")
			if entry.IsDir() && slices.Contains([]string{"test", "testdata", "archtest", "tools", "storetest", "enginetest"}, entry.Name()) {
				return fs.SkipDir
			}
			if entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for text := range textsOf(file) {
				if found[dir] == nil {
					found[dir] = map[string]bool{}
				}
				found[dir][text] = true
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// textsOf are the texts of one file. A text that is put together of several
// literals has "…" for what is between them.
func textsOf(file *ast.File) map[string]bool {
	found := map[string]bool{}
	add := func(text string) {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); twoWords.MatchString(line) {
				found[line] = true
			}
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field: // without its tag
			ast.Inspect(node.Type, func(ast.Node) bool { return true })
			return false
		case *ast.KeyValueExpr:
			if key, ok := node.Key.(*ast.Ident); ok && slices.Contains([]string{"Short", "Long", "Example", "Use"}, key.Name) {
				return false // the help of a command
			}
		case *ast.CallExpr:
			if isFlag(node) {
				return false
			}
		case *ast.BinaryExpr:
			if text, ok := joined(node); ok {
				add(text)
				return false
			}
		case *ast.BasicLit:
			if node.Kind == token.STRING {
				if text, err := strconv.Unquote(node.Value); err == nil {
					add(text)
				}
			}
		}
		return true
	})
	return found
}

// isFlag is true for the declaration of a flag, whose text is in the help.
func isFlag(call *ast.CallExpr) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	return ok && regexp.MustCompile(`^(String|Bool|Int|Duration|StringArray|StringSlice|Count)?Var?P?$`).MatchString(selector.Sel.Name) && len(call.Args) >= 4
}

// joined is the text of literals that are added to each other and to something
// else; false if there is no literal in it.
func joined(expr ast.Expr) (string, bool) {
	switch expr := expr.(type) {
	case *ast.BinaryExpr:
		if expr.Op != token.ADD {
			return "", false
		}
		left, isLeft := joined(expr.X)
		right, isRight := joined(expr.Y)
		if !isLeft {
			left = "…"
		}
		if !isRight {
			right = "…"
		}
		return left + right, isLeft || isRight
	case *ast.BasicLit:
		text, err := strconv.Unquote(expr.Value)
		return text, expr.Kind == token.STRING && err == nil
	}
	return "", false
}
