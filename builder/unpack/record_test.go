package unpack

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDamaged unpacks again what somebody has damaged, and nothing else.
func TestDamaged(t *testing.T) {
	t.Parallel()
	img := image(newLayer(pax(t, dir("a"), file("a/b", "content"), file("a/c", "x"), symlink("l", "a")), gzipped))
	for name, damage := range map[string]func(dir string) error{
		"nothing":              func(string) error { return nil },
		"file removed":         func(dir string) error { return os.Remove(dir + "/a/b") },
		"directory removed":    func(dir string) error { return os.RemoveAll(dir + "/a") },
		"link removed":         func(dir string) error { return os.Remove(dir + "/l") },
		"everything removed":   func(dir string) error { return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o755)) },
		"all but the record":   os.RemoveAll,
		"file truncated":       func(dir string) error { return os.Truncate(dir+"/a/b", 3) },
		"file empty":           func(dir string) error { return os.Truncate(dir+"/a/b", 0) },
		"file added":           func(dir string) error { return os.WriteFile(dir+"/a/more", nil, 0o644) },
		"file changed":         func(dir string) error { return os.WriteFile(dir+"/a/b", []byte("CONTENT"), 0o644) },
		"mode of a file":       func(dir string) error { return os.Chmod(dir+"/a/b", 0) },
		"mode of a directory":  func(dir string) error { return os.Chmod(dir+"/a", 0o700) },
		"another kind of file": func(dir string) error { return errors.Join(os.Remove(dir+"/a/b"), os.Symlink("c", dir+"/a/b")) },
		"record lost":          func(dir string) error { return os.Truncate(dir+lockSuffix, 0) },
		"lock file lost":       func(dir string) error { return os.Remove(dir + lockSuffix) },
	} {
		for _, k := range []kind{layerKind, flatKind} {
			t.Run(name+" "+string(k), func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				unpacked := func() (string, []string) {
					t.Helper()
					s := openStore(t, dir, Options{})
					defer s.Close()
					report := newReporter()
					if k == flatKind {
						path, err := s.Flat(t.Context(), img, report)
						if err != nil {
							t.Fatal(err)
						}
						return path, report.infos()
					}
					paths, err := s.Layers(t.Context(), img, report)
					if errors.Is(err, ErrNoWhiteouts) {
						t.Skip("the file system holds no whiteouts")
					}
					if err != nil {
						t.Fatal(err)
					}
					return paths[0], report.infos()
				}
				path, _ := unpacked()
				if err := damage(path); err != nil {
					t.Fatal(err)
				}
				path, infos := unpacked()
				content, err := os.ReadFile(path + "/a/b")
				info, statErr := os.Stat(path + "/a/b")
				if err != nil || statErr != nil || string(content) != "content" || info.Mode() != 0o644 {
					t.Errorf("%q, %v, %v", content, err, info)
				}
				if target, err := os.Readlink(path + "/l"); err != nil || target != "a" {
					t.Errorf("link %q, %v", target, err)
				}
				if _, err := os.Lstat(path + "/a/more"); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("what was added: %v", err)
				}
				said := strings.Contains(strings.Join(infos, "\n"), "again: "+path)
				if want := name != "nothing" && name != "all but the record"; said != want {
					t.Errorf("it says %q", infos)
				}
				if _, infos = unpacked(); strings.Contains(strings.Join(infos, "\n"), "again") {
					t.Errorf("and again: %q", infos)
				}
			})
		}
	}
}

// BenchmarkRecord looks at ten thousand files.
func BenchmarkRecord(b *testing.B) {
	dir := b.TempDir()
	for i := range 10_000 {
		path := filepath.Join(dir, string(rune('a'+i%26)), time.Duration(i).String())
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o644)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := record(dir); err != nil {
			b.Fatal(err)
		}
	}
}
