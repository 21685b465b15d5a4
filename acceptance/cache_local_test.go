package acceptance

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// localImage reads an image out of a directory as any other tool does that knows
// OCI image layouts, and returns its digest, too.
func localImage(t *testing.T, dir, tag string) (v1.Image, string) {
	t.Helper()
	path, err := layout.FromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	index, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range manifest.Manifests {
		if entry.Annotations["org.opencontainers.image.ref.name"] == tag {
			img, err := path.Image(entry.Digest)
			if err != nil {
				t.Fatal(err)
			}
			return img, entry.Digest.String()
		}
	}
	t.Fatalf("%s has no %s: %+v", dir, tag, manifest)
	return nil, ""
}

// files lists what is below a directory: sizes and owners by path.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		stat := info.Sys().(*syscall.Stat_t)
		size := ""
		if info.Mode().IsRegular() {
			size = strconv.FormatInt(info.Size(), 10)
		}
		all[path] = info.Mode().String() + " " + strconv.Itoa(int(stat.Uid)) + " " + size
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestLocal keeps the cache in a directory that only the user may enter, cold
// and warm, for every kind of user. What is in it belongs to that user, and is
// an image for other tools.
func TestLocal(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		user func(*machine) *machine
	}{
		{"whoever runs the tests", func(m *machine) *machine { return m }},
		{"an ordinary user", (*machine).ordinary},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			reg := newRegistry(t, testregistry.Options{})
			builder := reg.tiny(t, nil)
			app := newApp(t, nil, nil)
			kept := test.user(newMachine(t))
			dir := filepath.Join(kept.home, "cache")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			kept.own(dir)
			build := func() (map[string]fate, outcome) {
				m := test.user(newMachine(t))
				result, out := m.build(reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish", "--cache-required",
					"--import-cache", "type=local,src="+dir, "--export-cache", "type=local,dest="+dir)
				m.wantNothingLeft()
				return fates(result), out
			}
			cold, out := build()
			out.wantStderr(t, "Cache "+dir+":latest: nothing is kept there yet", "Cache "+dir+":latest saved as sha256:")
			if diff := cmp.Diff(flagged("missed", "added"), cold); diff != "" {
				t.Errorf("cold build (-want +got):\n%s", diff)
			}
			img, _ := localImage(t, dir, "latest")
			cacheOf(t, img).wantWhole(t)
			before := files(t, dir)
			uid := os.Getuid()
			if kept.uid != 0 {
				uid = kept.uid
			}
			for path, file := range before {
				if !strings.Contains(file, " "+strconv.Itoa(uid)+" ") {
					t.Errorf("%s: %s, and the user is %d", path, file, uid)
				}
			}
			warm, out := build()
			out.wantStderr(t, "flags: only-cache: restored", "flags: launch-build-cache: restored", "Cache "+dir+":latest is as it was")
			if diff := cmp.Diff(flagged("restored", "reused"), warm); diff != "" {
				t.Errorf("warm build (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, files(t, dir)); diff != "" {
				t.Errorf("an unchanged cache was written to:\n%s", diff)
			}
		})
	}
}

// TestLocalHistory names directories relative to where the command runs, below
// the application's source, imports an older snapshot and cleans up.
func TestLocalHistory(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	m := newMachine(t)
	app := newApp(t, map[string]string{"churn": "changed cache change\n", "seed": "1"}, nil)
	if err := os.Symlink(app.dir, filepath.Join(m.home, "source")); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(app.dir, ".cache")
	called := filepath.Join(m.home, "source", ".cache")
	build := func(seed string, args ...string) outcome {
		app.set(map[string]string{"seed": seed})
		_, out := m.build(append([]string{reg.ref("app:" + seed), "--builder", builder, "--path", "source", "--publish", "--cache-required"}, args...)...)
		return out
	}
	build("1", "--export-cache", "type=local,dest=source/.cache,tag=main")
	_, first := localImage(t, dir, "main")
	build("2", "--export-cache", "type=local,dest=source/.cache,tag=main")
	_, second := localImage(t, dir, "main")
	if first == second {
		t.Fatalf("two builds gave the same snapshot %s", first)
	}
	out := build("1", "--import-cache", "type=local,src=source/.cache,digest="+first)
	out.wantStderr(t, "Cache "+called+"@"+first+"\n", "churn: changed: restored")

	img := reg.image(t, reg.ref("app:1"))
	content := mutate.Extract(img)
	defer content.Close()
	for entries := tar.NewReader(content); ; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(header.Name, "workspace/.cache") {
			t.Errorf("the app image has the cache's %s", header.Name)
		}
	}
	blobs := len(files(t, filepath.Join(dir, "blobs")))
	build("3", "--export-cache", "type=local,dest=source/.cache,tag=main,reset=true")
	if left := len(files(t, filepath.Join(dir, "blobs"))); left >= blobs {
		t.Errorf("there were %d files, and with reset=true there are %d", blobs, left)
	}
	cache, _ := localImage(t, dir, "main")
	cacheOf(t, cache).wantWhole(t)
	m.run("build", reg.ref("app:1"), "--builder", builder, "--path", "source", "--publish", "--cache-required",
		"--import-cache", "type=local,src=source/.cache,digest="+second).
		wantStderr(t, "Cache "+called+"@"+second+": nothing is kept there yet")
}

// TestLocalAsInPack takes pack's ways to say the same.
func TestLocalAsInPack(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	for _, test := range []struct {
		name, value, dir string
	}{
		{"bind", "type=build;format=bind;source=bound", "bound"},
		{"volume", "type=build;format=volume;name=mine", ".cache/pack-cache/volumes/mine"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			args := []string{reg.ref(test.name), "--builder", builder, "--path", app.dir, "--publish", "--cache-required", "--cache", test.value}
			m.build(args...)
			img, _ := localImage(t, filepath.Join(m.home, test.dir), "latest")
			cacheOf(t, img).wantWhole(t)
			_, out := m.build(args...)
			out.wantStderr(t, "flags: only-cache: restored")
		})
	}
	t.Run("image", func(t *testing.T) {
		t.Parallel()
		args := []string{reg.ref("image"), "--builder", builder, "--path", app.dir, "--publish", "--cache", "type=build;format=image;name=" + reg.ref("pack-cache")}
		newMachine(t).build(args...)
		reg.cache(t, reg.ref("pack-cache")).wantWhole(t)
	})
}

// TestLocalTrouble builds with directories that cannot be used: the build
// succeeds and says why there is no cache, and nothing in them changes.
func TestLocalTrouble(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	for _, test := range []struct {
		name string
		// make makes the directory.
		make func(t *testing.T, dir string)
		says []string
	}{
		{"something else is there", func(t *testing.T, dir string) {
			writeFile(t, filepath.Join(dir, "notes.txt"), "not a cache")
		}, []string{"was not saved", "holds notes.txt and is not an OCI image layout", "give the cache a directory of its own"}},
		{"a file", func(t *testing.T, dir string) { writeFile(t, dir, "") }, []string{"was not saved", "not a directory"}},
		{"not readable", func(t *testing.T, dir string) { mkdir(t, dir, 0) },
			[]string{"is not used", "permission denied", "give this user the right", "was not saved"}},
		{"not writable", func(t *testing.T, dir string) { mkdir(t, dir, 0o500) },
			[]string{"nothing is kept there yet", "was not saved", "permission denied", "give this user the right"}},
		{"broken", func(t *testing.T, dir string) { writeFile(t, filepath.Join(dir, "index.json"), "{") },
			[]string{"is not used", "index.json", "was not saved"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t).ordinary()
			dir := filepath.Join(m.home, "kept", "cache")
			mkdir(t, filepath.Dir(dir), 0o755)
			m.own(filepath.Dir(dir))
			test.make(t, dir)
			m.own(dir)
			before := files(t, filepath.Dir(dir))
			args := []string{reg.ref("app-" + strings.ReplaceAll(test.name, " ", "-")), "--builder", builder, "--path", app.dir, "--publish",
				"--cache-from", "type=local,src=" + dir, "--cache-to", "type=local,dest=" + dir}
			_, out := m.build(args...)
			out.wantStderr(t, test.says...)
			args[len(args)-1] += ",ignore-error=false"
			out = m.run(append([]string{"build"}, args...)...)
			out.wantCode(t, 3)
			out.wantStderr(t, "ERROR: the image was built, but the cache was not saved to "+dir+":latest")
			if diff := cmp.Diff(before, files(t, filepath.Dir(dir))); diff != "" {
				t.Errorf("something changed:\n%s", diff)
			}
		})
	}
}

func mkdir(t *testing.T, dir string, mode os.FileMode) {
	t.Helper()
	if err := os.Mkdir(dir, mode); err != nil {
		t.Fatal(err)
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
