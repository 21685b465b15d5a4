package debian

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/internal/test/samples/rootfs"
)

func TestParseURIs(t *testing.T) {
	t.Parallel()
	got, err := parseURIs([]byte("Reading package lists...\n" +
		"'scheme://host/z_1%3a2_amd64.deb' z_1%3a2_amd64.deb 12 SHA256:abc\n" +
		"'scheme://host/a_1_all.deb' a_1_all.deb 10\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a_1_all.deb", "z_1%3a2_amd64.deb"}, got); diff != "" {
		t.Error(diff)
	}
	for _, line := range []string{"'u' ../evil.deb 1 x", "'u' /evil.deb 1 x", "'u' evil.exe 1 x"} {
		if _, err := parseURIs([]byte(line)); err == nil {
			t.Errorf("accepted %q", line)
		}
	}
}

func TestMerged(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"bin/sh":      "usr/bin/sh",
		"lib64/ld.so": "usr/lib64/ld.so",
		"lib":         "",
		"library/x":   "library/x",
		"usr/bin/env": "usr/bin/env",
		"etc/passwd":  "etc/passwd",
	} {
		if got := merged(name); got != want {
			t.Errorf("merged(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestFetch asks this machine's own package sources.
func TestFetch(t *testing.T) {
	t.Parallel()
	c := Cache{Dir: t.TempDir(), Progress: progress.Discard}
	pkgs, err := c.Closure(t.Context(), "libc-bin", "dash")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dash_", "libc-bin_", "libc6_"} {
		if !containsPackage(pkgs, name) {
			t.Errorf("%s is not in %v", name, pkgs)
		}
	}
	only, err := c.Only(t.Context(), "dash")
	if err != nil {
		t.Fatal(err)
	}
	if len(only) != 1 || !containsPackage(only, "dash_") {
		t.Errorf("dash alone is %v", only)
	}

	t.Run("again without asking", func(t *testing.T) {
		if err := os.RemoveAll(filepath.Join(c.Dir, "state")); err != nil {
			t.Fatal(err)
		}
		again, err := c.Closure(t.Context(), "libc-bin", "dash")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(pkgs, again); diff != "" {
			t.Error(diff)
		}
		if _, err := os.Stat(filepath.Join(c.Dir, "state")); err == nil {
			t.Error("apt was asked again")
		}
	})

	t.Run("unpack", func(t *testing.T) {
		spool, err := rootfs.NewSpool(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer spool.Close()
		f := rootfs.New()
		keep := func(name string) bool { return !strings.HasPrefix(name, "usr/share/doc") }
		if err := c.Unpack(t.Context(), f, spool, pkgs, keep); err != nil {
			t.Fatal(err)
		}
		Merge(f)
		if target, ok := f.Readlink("bin"); !ok || target != "usr/bin" {
			t.Errorf("bin points to %q", target)
		}
		if !f.Has("usr/bin/dash") || f.Has("usr/share/doc/dash") {
			t.Errorf("usr/bin/dash %t, its documentation %t", f.Has("usr/bin/dash"), f.Has("usr/share/doc/dash"))
		}
	})
}

func TestFetchUnknown(t *testing.T) {
	t.Parallel()
	c := Cache{Dir: t.TempDir(), Progress: progress.Discard}
	_, err := c.Closure(t.Context(), "no-such-package-anywhere")
	if err == nil || !strings.Contains(err.Error(), "no-such-package-anywhere") {
		t.Errorf("got %v", err)
	}
}

func containsPackage(pkgs []Package, prefix string) bool {
	for _, p := range pkgs {
		if strings.HasPrefix(p.File, prefix) {
			return true
		}
	}
	return false
}
