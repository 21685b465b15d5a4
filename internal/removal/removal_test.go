package removal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// deep makes a directory d with so many levels in dir, and here and there a
// file and a link.
func deep(t *testing.T, dir string, levels int) {
	t.Helper()
	const step = 200
	chain := strings.TrimSuffix(strings.Repeat("d/", step), "/")
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	err = root.Mkdir("last", 0o755)
	for i := 0; i < levels/step && err == nil; i++ {
		next := "n" + strconv.Itoa(i)
		err = errors.Join(
			os.MkdirAll(filepath.Join(dir, next, chain), 0o755),
			os.WriteFile(filepath.Join(dir, next, chain, "file"), nil, 0o400),
			os.Symlink(dir, filepath.Join(dir, next, chain, "link")),
			os.Rename(filepath.Join(dir, "last"), filepath.Join(dir, next, chain, "d")),
			os.Rename(filepath.Join(dir, next), filepath.Join(dir, "last")),
		)
	}
	if err = errors.Join(err, root.Rename("last", "d")); err != nil {
		t.Fatal(err)
	}
}

// TestDeep removes 100,000 levels with few descriptors.
func TestDeep(t *testing.T) {
	dir := t.TempDir()
	deep(t, dir, 20_000)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	few := before
	few.Cur = min(128, before.Max)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before)
	keep := filepath.Join(dir, "keep")
	if err := os.WriteFile(keep, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Path(filepath.Join(dir, "d")); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, dir, "keep")
}

// TestBroad removes a tree with many branches, and names that take each other's place.
func TestBroad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 60 {
		for j := range 60 {
			at := filepath.Join(dir, "d", strconv.Itoa(i), strconv.Itoa(j), "same", "same")
			if err := errors.Join(os.MkdirAll(at, 0o755), os.WriteFile(filepath.Join(at, "\xff\n"), nil, 0)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := Path(filepath.Join(dir, "d")); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, dir)
}

// TestClosed removes directories that do not let their owner in.
func TestClosed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, mode := range []fs.FileMode{0, 0o100, 0o200, 0o400, 0o500} {
		at := filepath.Join(dir, "d", mode.String(), "a", "b", "c")
		if err := errors.Join(os.MkdirAll(at, 0o755), os.WriteFile(filepath.Join(at, "file"), nil, 0)); err != nil {
			t.Fatal(err)
		}
		for ; filepath.Base(at) != "d"; at = filepath.Dir(at) {
			if err := os.Chmod(at, mode); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := Content(dir); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, dir)
}

// TestNotFollowed leaves what links point to as it is.
func TestNotFollowed(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), t.TempDir()
	if err := errors.Join(
		os.WriteFile(filepath.Join(other, "file"), nil, 0o644), os.Mkdir(filepath.Join(other, "closed"), 0o755),
		os.MkdirAll(filepath.Join(dir, "d", "a"), 0o755), os.Chmod(filepath.Join(other, "closed"), 0o500),
		os.Symlink(other, filepath.Join(dir, "d", "link")), os.Symlink(other, filepath.Join(dir, "d", "a", "link")),
		os.Symlink(filepath.Join(other, "file"), filepath.Join(dir, "link")),
	); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(Path(filepath.Join(dir, "link")), Path(filepath.Join(dir, "d")), Path(filepath.Join(dir, "nothing")), Path(filepath.Join(dir, "no", "thing")), Content(filepath.Join(dir, "nothing"))); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, dir)
	wantOnly(t, other, "closed", "file")
	if info, err := os.Stat(filepath.Join(other, "closed")); err != nil || info.Mode().Perm() != 0o500 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func wantOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if strings.Join(got, "|") != strings.Join(names, "|") {
		t.Errorf("left: %q, want %q", got, names)
	}
}
