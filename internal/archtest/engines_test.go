package archtest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEnginesAreListed lets nobody but the program's list and tests import an
// engine, so that a new one needs no other edit.
func TestEnginesAreListed(t *testing.T) {
	t.Parallel()
	engines := implementing(t, "lifecycle", "lifecycle.Engine")
	for pkg, imports := range packages(t) {
		if matchesAny(pkg, "cmd/pack-cache lifecycle/enginetest/... internal/test/... benchmarks/... acceptance/...") {
			continue
		}
		for _, imported := range imports {
			if slices.Contains(engines, imported) {
				t.Errorf("%s imports %s: what it has to know of an engine is in lifecycle.Traits and lifecycle.Facts", pkg, imported)
			}
		}
	}
}

// TestEnginesAreNotNamed finds engines that platform and the command line know by
// name. What they say of engines comes of the list.
func TestEnginesAreNotNamed(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`Traits\{\s*Name: "([a-z]+)"`)
	var names []string
	for _, dir := range implementing(t, "lifecycle", "lifecycle.Engine") {
		found := named.FindAllStringSubmatch(read(t, dir+"/*.go"), -1)
		if len(found) == 0 {
			t.Fatalf("%s does not say how its engine is called", dir)
		}
		for _, name := range found {
			names = append(names, name[1])
		}
	}
	flag := regexp.MustCompile(`--engine (` + strings.Join(names, "|") + `)`)
	literal := regexp.MustCompile(`"(` + strings.Join(names, "|") + `)"`)
	sources(t, "platform", func(path, source string) {
		if found := literal.FindString(source) + flag.FindString(source); found != "" {
			t.Errorf("%s knows engine %s", path, found)
		}
	})
	sources(t, "cmd/pack-cache/cli", func(path, source string) {
		if found := flag.FindString(source); found != "" {
			t.Errorf("%s knows engine %s", path, found)
		}
	})
}

// TestOptionalInterfaces counts the interfaces of package lifecycle that an engine
// or a place may have or lack: what one can do is data, with few exceptions.
func TestOptionalInterfaces(t *testing.T) {
	t.Parallel()
	asserted := regexp.MustCompile(`\.\(lifecycle\.([A-Z]\w*)\)`)
	const images = "DaemonImage" // is an image, neither an engine nor a place
	var optional []string
	inPlatform := 0
	sources(t, ".", func(path, source string) {
		for _, found := range asserted.FindAllStringSubmatch(source, -1) {
			if found[1] == images {
				continue
			}
			if strings.HasPrefix(path, "platform/") {
				inPlatform++
			}
			if !slices.Contains(optional, found[1]) {
				optional = append(optional, found[1])
			}
		}
	})
	if len(optional) == 0 || len(optional) > 3 {
		t.Errorf("%d optional interfaces, want one to three: %q", len(optional), optional)
	}
	if inPlatform > 2 {
		t.Errorf("platform asks %d times what type an engine or a place has: decide by lifecycle.Traits or lifecycle.Facts", inPlatform)
	}
}

// sources calls visit for each Go file below dir that is part of the program.
func sources(t *testing.T, dir string, visit func(path, source string)) {
	t.Helper()
	const root = "../.."
	err := filepath.WalkDir(filepath.Join(root, dir), func(path string, entry fs.DirEntry, err error) error {
		relative, relErr := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && path != root || relative == filepath.FromSlash("internal/test") || entry.Name() == "enginetest"):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		visit(filepath.ToSlash(relative), string(source))
		return errors.Join(relErr, err)
	})
	if err != nil {
		t.Fatal(err)
	}
}
