package acceptance

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// filesBelow returns the digest and the owner of every file below a directory.
func filesBelow(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, dir+"/")
		found[name] = fmt.Sprintf("%x of %d", sha256.Sum256(content), info.Sys().(*syscall.Stat_t).Uid)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// wantWholeImage fails unless all of an image is there.
func wantWholeImage(t *testing.T, img v1.Image) {
	t.Helper()
	if err := validate.Image(img); err != nil {
		t.Errorf("the image is not whole: %v", err)
	}
}

// TestLayoutOutput keeps app images in directories, as an ordinary user and with
// a daemon that knows nothing of the directory. They are the images that would
// have been published.
func TestLayoutOutput(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	source := newApp(t, nil, nil)
	published, _ := newMachine(t).build(reg.ref("published"), "--builder", builder, "--path", source.dir, "--publish")
	for _, on := range grounds(t) {
		if on.name == "podman" {
			continue // it would be the same again
		}
		t.Run(on.name, func(t *testing.T) {
			m := on.machine(t)
			if on.name == "sandbox" {
				m.ordinary()
			}
			app := newApp(t, nil, nil)
			dir := filepath.Join(m.home, "out")
			args := []string{"oci:out", "--builder", builder, "--path", app.dir}

			first, out := m.build(args...)
			out.wantStderr(t, "The image is in the directory "+dir+" ("+published.Digest+")")
			if first.Digest != published.Digest || first.Image != "oci:"+dir+"@"+published.Digest {
				t.Errorf("the image is %s instead of %s", first.Image, published.Digest)
			}
			img, digest := localImage(t, dir, "latest")
			if digest != published.Digest {
				t.Errorf("the directory has %s instead of %s", digest, published.Digest)
			}
			wantWholeImage(t, img)
			files := filesBelow(t, dir)
			for name, file := range files {
				if owner := fmt.Sprintf(" of %d", m.owner()); !strings.HasSuffix(file, owner) {
					t.Errorf("%s belongs to somebody else than its user: %s", name, file)
				}
			}

			if on.daemon != nil {
				on.wantLoads(t, dir, img)
				return // the rest is the same, whatever runs the phases
			}

			_, out = m.build(args...)
			out.wantStderr(t, "Cache: none was asked for; name one with --cache-image", "Restoring metadata for \"samples/flags:only-launch\" from app image", "Reused 3/3 app layer(s)")
			if diff := cmp.Diff(files, filesBelow(t, dir)); diff != "" {
				t.Errorf("the same build changed the directory (-before +after):\n%s", diff)
			}

			app.set(map[string]string{"build-exit": "1"})
			m.run(append([]string{"build"}, args...)...).wantCode(t, 51)
			if diff := cmp.Diff(files, filesBelow(t, dir)); diff != "" {
				t.Errorf("a build that failed changed the directory (-before +after):\n%s", diff)
			}
			app.unset("build-exit")
			app.write("hello.txt", "changed\n")
			changed, _ := m.build(args...)
			img, digest = localImage(t, dir, "latest")
			if digest != changed.Digest || digest == published.Digest {
				t.Errorf("the directory has %s instead of %s", digest, changed.Digest)
			}
			wantWholeImage(t, img)
			if after := filesBelow(t, dir); len(after) != len(files) {
				t.Errorf("%d files became %d", len(files), len(after))
			}
		})
	}
}

// owner is the id of the machine's user.
func (m *machine) owner() int {
	if m.uid != 0 {
		return m.uid
	}
	return os.Getuid()
}

// wantLoads has the daemon load a directory.
func (g ground) wantLoads(t *testing.T, dir string, img v1.Image) {
	t.Helper()
	archive, err := exec.CommandContext(t.Context(), "tar", "-C", dir, "-c", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	id, err := img.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, g.docker(t, bytes.NewReader(archive), "load"), id.String())
	g.wantRuns(t, id.String())
}

// TestLayoutOutputBesideOthers keeps an app image in a directory that has other
// images, and cannot keep it where something goes wrong at the end.
func TestLayoutOutputBesideOthers(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	m := newMachine(t)
	dir := filepath.Join(app.dir, "dist") // below the source, and no part of it
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := path.AppendImage(reg.image(t, reg.ref("samples/tiny-run")), layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "other"})); err != nil {
		t.Fatal(err)
	}
	before := filesBelow(t, dir)
	args := []string{"oci:" + dir, "--builder", builder, "--path", app.dir}

	if err := os.Mkdir(filepath.Join(dir, "manifest.json"), 0o755); err != nil {
		t.Fatal(err)
	}
	m.run(append([]string{"build"}, args...)...).wantCode(t, 62)
	if diff := cmp.Diff(before, filesBelow(t, dir)); diff != "" {
		t.Errorf("an export that failed changed the directory (-before +after):\n%s", diff)
	}
	if err := os.Remove(filepath.Join(dir, "manifest.json")); err != nil {
		t.Fatal(err)
	}
	result, out := m.build(args...)
	out.wantNoStderr(t, "dist/index.json")
	other, _ := localImage(t, dir, "other")
	wantWholeImage(t, other)
	img, digest := localImage(t, dir, "latest")
	wantWholeImage(t, img)
	published, _ := m.build(reg.ref("app"), "--builder", builder, "--path", app.dir, "--publish", "--previous-image", reg.ref("none"))
	if digest != result.Digest {
		t.Errorf("the directory has %s instead of %s", digest, result.Digest)
	}
	if published.Digest == digest {
		t.Error("the directory was left out of the source of an image that goes elsewhere, too")
	}
}

// TestFileOutput writes app images to files that daemons load.
func TestFileOutput(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	app := newApp(t, nil, nil)
	name := reg.ref("from-file") + ":latest"
	published, _ := newMachine(t).build(name, "--builder", builder, "--path", app.dir, "--publish")
	id, err := reg.image(t, name).ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	on := ground{"docker", nil}
	for _, other := range daemonGrounds(t) {
		if other.name == on.name {
			on = other
		}
	}
	for _, test := range []struct{ kind, digest, id string }{
		{"oci", published.Digest, ""},
		{"docker", "", id.String()},
	} {
		t.Run(test.kind, func(t *testing.T) {
			m := newMachine(t)
			file := filepath.Join(m.home, "app.tar")
			m.write("app.tar", "what was there before", 0o600)
			args := []string{reg.ref("ignored"), "--builder", builder, "--output", "type=" + test.kind + ",dest=app.tar,name=" + name, "--path"}
			failing := newApp(t, map[string]string{"build-exit": "1"}, nil)
			m.run(append(append([]string{"build"}, args...), failing.dir)...).wantCode(t, 51)
			if content, err := os.ReadFile(file); err != nil || string(content) != "what was there before" {
				t.Fatalf("a build that failed left %q (%v)", content, err)
			}
			result, out := m.build(append(args, app.dir)...)
			out.wantStderr(t, "The image "+name+" is in the file "+file)
			if result.Digest != test.digest || result.ID != test.id || result.Image != file {
				t.Errorf("the result is image %s, digest %s, id %s", result.Image, result.Digest, result.ID)
			}
			archive, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer archive.Close()
			on.docker(t, archive, "load")
			if kept := on.kept(t, name); kept.ID != id.String() {
				t.Errorf("the daemon has loaded %s instead of %s", kept.ID, id)
			}
			on.wantRuns(t, name)
			on.docker(t, nil, "image", "rm", name)
		})
	}
}
