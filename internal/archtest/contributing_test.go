package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestContributing looks for the files that CONTRIBUTING.md names.
func TestContributing(t *testing.T) {
	t.Parallel()
	page := read(t, "CONTRIBUTING.md")
	named := regexp.MustCompile("`([a-z]+/[a-zA-Z0-9_./-]+)`|\\]\\(([^)]+)\\)").FindAllStringSubmatch(page, -1)
	if len(named) == 0 {
		t.Fatal("it names no file")
	}
	for _, name := range named {
		if _, err := os.Stat(filepath.Join("../..", name[1]+name[2])); err != nil {
			t.Error(err)
		}
	}
}

// TestStoresAreProven holds what CONTRIBUTING.md asks of a store.
func TestStoresAreProven(t *testing.T) {
	t.Parallel()
	kinds := read(t, "layers/kinds/*.go")
	for _, dir := range implementing(t, "layers", "layers.Store") {
		if !strings.Contains(read(t, dir+"/*_test.go"), "storetest.") {
			t.Errorf("no test of %s runs layers/storetest", dir)
		}
		if !strings.Contains(kinds, module+dir+`"`) {
			t.Errorf("layers/kinds does not list %s", dir)
		}
	}
}

// TestEnginesAreProven holds what CONTRIBUTING.md asks of an engine.
func TestEnginesAreProven(t *testing.T) {
	t.Parallel()
	lists := read(t, "cmd/pack-cache/engines*.go")
	page := read(t, "docs/engines.md")
	for _, dir := range implementing(t, "lifecycle", "lifecycle.Engine") {
		if !strings.Contains(read(t, dir+"/*_test.go"), "enginetest.Run(") {
			t.Errorf("no test of %s runs lifecycle/enginetest", dir)
		}
		if !strings.Contains(lists, module+dir+`"`) {
			t.Errorf("cmd/pack-cache does not list %s", dir)
		}
		if !strings.Contains(page, filepath.Base(dir)) {
			t.Errorf("docs/engines.md says nothing of %s", dir)
		}
	}
}

// implementing lists the folders below dir that say that a type implements an
// interface.
func implementing(t *testing.T, dir, name string) []string {
	t.Helper()
	says := regexp.MustCompile(`_\s+` + regexp.QuoteMeta(name) + `\s+= `)
	files, err := filepath.Glob(filepath.Join("../..", dir, "*", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		folder := filepath.Join(dir, filepath.Base(filepath.Dir(file)))
		if says.Match(data) && !strings.HasSuffix(file, "_test.go") && !slices.Contains(found, folder) {
			found = append(found, folder)
		}
	}
	if len(found) == 0 {
		t.Fatalf("nothing below %s implements %s", dir, name)
	}
	return found
}

// read reads the files that match a pattern.
func read(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../..", pattern))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	return all.String()
}
