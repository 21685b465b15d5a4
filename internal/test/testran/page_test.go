package testran

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testservers"
)

// module is a version that a go.mod pins.
var module = regexp.MustCompile("^`(.+)@(.+)`$")

// TestPage holds that the tests that docs/compatibility.md names exist, and that
// the versions of Go modules on it are those that are pinned.
func TestPage(t *testing.T) {
	t.Parallel()
	page, err := Read()
	if err != nil {
		t.Fatal(err)
	}
	root, err := testservers.ModuleRoot()
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Rows) == 0 || !slices.IsSortedFunc(page.Rows, compare) {
		t.Error("the rows are not there, or not sorted: make compatibility")
	}
	pins := pinnedModules(t, root)
	for _, r := range page.Rows {
		if !Exists(root, r) {
			t.Errorf("there is no test %s: make compatibility", r.TestFunction())
		}
		if m := module.FindStringSubmatch(r.Version); m != nil && !pins[m[1]+" "+m[2]] {
			t.Errorf("%s: no go.mod pins %s: make compatibility TESTS=%s", r.Peer, r.Version, r.TestFunction())
		}
	}
}

// pinnedModules are the modules of every go.mod below root, as "MODULE VERSION".
func pinnedModules(t *testing.T, root string) map[string]bool {
	t.Helper()
	pins := map[string]bool{}
	line := regexp.MustCompile(`(?m)^(?:require)?\s+(\S+) (v\S+)`)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "go.mod" {
			return err
		}
		raw, err := os.ReadFile(path)
		for _, m := range line.FindAllStringSubmatch(string(raw), -1) {
			pins[m[1]+" "+m[2]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pins
}

// TestMerge puts rows on a page.
func TestMerge(t *testing.T) {
	t.Parallel()
	row := func(peer, done, test string) Row { return Row{"Caches", peer, "1.0", done, "", test} }
	page := []Row{row("b", "old", "acceptance.TestAgain/b"), row("c", "kept", "acceptance.TestOther"), row("d", "gone", "layers/x.TestGone")}
	ran := []Row{row("e", "new", "acceptance.TestAgain/e"), row("a", "new", "acceptance.TestAgain/a"), row("a", "new", "acceptance.TestAgain/a")}
	got := Merge(page, ran, func(r Row) bool { return r.Directory() != "layers/x" })
	want := []Row{ran[1], page[1], ran[0]}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	again, err := parse(format(got))
	if diff := cmp.Diff(got, again); diff != "" || err != nil {
		t.Errorf("read again (-want +got): %v\n%s", err, diff)
	}
	if _, err := parse("\n## Caches\n\n" + head + "| a | b |\n"); err == nil {
		t.Error("a row of two cells is one")
	}
}

// TestAgainst is what becomes of the rows of tests that pass, fail and skip.
func TestAgainst(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ran")
	t.Setenv(Variable, file)
	row := Row{Subject: "Caches", Peer: "itself", Version: Dependency(t, "github.com/google/go-cmp"), Done: "written"}
	for _, end := range []func(*fake){func(*fake) {}, func(f *fake) { f.failed = true }, func(f *fake) { f.skipped = true }} {
		f := &fake{TB: t}
		Against(f, row)
		end(f)
		f.cleanup()
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(raw); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"internal/test/testran.TestAgainst"`) {
		t.Errorf("written: %s", got)
	}

	t.Setenv(Variable, "")
	f := &fake{TB: t}
	Against(f, row)
	f.cleanup()
	if !strings.Contains(f.said, "lacks this row (make compatibility TESTS=internal/test/testran.TestAgainst)") {
		t.Errorf("a row that the page lacks: %q", f.said)
	}
}

// fake is a test that ends when it is told.
type fake struct {
	testing.TB
	failed, skipped bool
	cleanup         func()
	said            string
}

func (f *fake) Failed() bool              { return f.failed }
func (f *fake) Skipped() bool             { return f.skipped }
func (f *fake) Cleanup(do func())         { f.cleanup = do }
func (f *fake) Errorf(s string, a ...any) { f.said += fmt.Sprintf(s, a...) }
