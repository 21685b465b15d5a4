package testran

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testservers"
)

// Variable names the environment variable with the file that rows are appended
// to, one JSON value a line.
const Variable = "PACK_CACHE_RAN"

// Against says what a test runs against what. It is called before or after that;
// the row counts if the test passes. Where the variable names a file, the row is
// written there; else the test fails if docs/compatibility.md lacks the row. Only
// the version of a program of the machine may be another one there.
func Against(t testing.TB, row Row) {
	t.Helper()
	for _, field := range []string{row.Subject, row.Peer, row.Version, row.Done} {
		if field == "" || strings.ContainsAny(field, "|\n") {
			t.Fatalf("a field of the row is empty, has a | or several lines: %+v", row)
		}
	}
	row.Test = nameOf(t)
	t.Cleanup(func() {
		if t.Failed() || t.Skipped() {
			return
		}
		if path := os.Getenv(Variable); path != "" {
			if err := appendTo(path, row); err != nil {
				t.Errorf("keep a row for docs/compatibility.md: %v", err)
			}
			return
		}
		page, err := Read()
		if err != nil {
			t.Error(err)
		} else if !slices.ContainsFunc(page.Rows, row.sameBut) {
			t.Errorf("docs/compatibility.md lacks this row (make compatibility TESTS=%s): %+v", row.TestFunction(), row)
		}
	})
}

// sameBut reports whether a row differs in nothing but the version of a program of
// the machine. What comes from modules and packages of npm is pinned.
func (r Row) sameBut(other Row) bool {
	if !pinned(r.Version) && !pinned(other.Version) {
		other.Version = r.Version
	}
	return r == other
}

// pinned reports whether a version is that of a module or of a package of npm.
func pinned(version string) bool {
	return strings.HasPrefix(version, "`") || strings.HasSuffix(version, npm)
}

// nameOf is the name of a test with its directory below the source.
func nameOf(t testing.TB) string {
	t.Helper()
	root, err := testservers.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	below, err := filepath.Rel(root, dir)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(below) + "." + t.Name()
}

// appendTo adds a row to a file that tests of several processes write.
func appendTo(path string, row Row) error {
	line, err := json.Marshal(row)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
