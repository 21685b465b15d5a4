package extra

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/progress"
)

// TestDirectory reads back what becomes of a buildpack in a directory.
func TestDirectory(t *testing.T) {
	t.Parallel()
	make := func(umask fs.FileMode) string {
		dir := writeFiles(t, map[string]string{
			"buildpack.toml": descriptorOf("acme/new.one@1.2-x"), "bin/build": "B", "bin/detect": "D", "lib/deep/tool": "T", "lib/data": "",
		})
		for _, err := range []error{
			os.Symlink("../lib/deep", filepath.Join(dir, "bin/link")),
			os.Mkdir(filepath.Join(dir, "empty"), 0o777&^umask),
			os.Chmod(filepath.Join(dir, "lib/deep/tool"), 0o777&^umask),
			os.Chmod(filepath.Join(dir, "lib/data"), 0o666&^umask),
			os.Chmod(filepath.Join(dir, "lib"), 0o777&^umask),
			os.Chtimes(filepath.Join(dir, "lib/data"), time.Now(), time.Unix(int64(umask), 0)),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	base := fakeBuilder(t, nil)
	additions, err := resolve(t, base, Request{Buildpacks: sources(make(0o022))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const root = "cnb/buildpacks/acme_new.one/1.2-x/"
	want := added{
		layers: [][]string{{
			"755 cnb/buildpacks/acme_new.one/",
			"755 " + root,
			"755 " + root + "bin/",
			"755 " + root + "bin/build B",
			"755 " + root + "bin/detect D",
			"777 " + root + "bin/link -> ../lib/deep",
			"644 " + root + "buildpack.toml " + descriptorOf("acme/new.one@1.2-x"),
			"755 " + root + "empty/",
			"755 " + root + "lib/",
			"644 " + root + "lib/data ",
			"755 " + root + "lib/deep/",
			"755 " + root + "lib/deep/tool T",
		}},
		order: "[[order]]\n\n  [[order.group]]\n    id = \"acme/new.one\"\n    version = \"1.2-x\"\n\n" +
			"[[order-extensions]]\n\n  [[order-extensions.group]]\n    id = \"acme/x\"\n    version = \"1\"\n",
	}
	if diff := cmp.Diff(want, additions.read(t, base), cmp.AllowUnexported(added{})); diff != "" {
		t.Errorf("additions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"acme/new.one@1.2-x"}, additions.Outside); diff != "" {
		t.Errorf("outside (-want +got):\n%s", diff)
	}

	again, err := resolve(t, base, Request{Buildpacks: sources(make(0o077))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := diffID(t, additions.Layers[0]), diffID(t, again.Layers[0]); a != b {
		t.Errorf("the same files by somebody else are %s, were %s", b, a)
	}
}

// TestTreeRefuses has archives that lead out of a buildpack, or have in them what
// does not belong there.
func TestTreeRefuses(t *testing.T) {
	t.Parallel()
	whole := []file{{name: "buildpack.toml", content: descriptorOf("acme/x@1")}, {name: "./bin/build"}}
	for _, test := range []struct {
		name  string
		files []file
		want  string // "" if it is fine
	}{
		{"nothing else", nil, ""},
		{"root", []file{{name: "./", kind: tar.TypeDir}}, ""},
		{"global header", []file{{name: "pax_global_header", kind: tar.TypeXGlobalHeader}}, ""},
		{"directory twice", []file{{name: "d", kind: tar.TypeDir}, {name: "d/", kind: tar.TypeDir}}, ""},
		{"inner dots", []file{{name: "d/../e/./f"}}, ""},
		{"hard link", []file{{name: "d/link", kind: tar.TypeLink, link: "./bin/build"}}, ""},
		{"link upwards but inside", []file{{name: "d/link", kind: tar.TypeSymlink, link: "../bin"}}, ""},

		{"dots", []file{{name: "../x"}}, "leads out of the buildpack"},
		{"dots behind a directory", []file{{name: "d/../../x"}}, "leads out of the buildpack"},
		{"absolute", []file{{name: "/etc/passwd"}}, "leads out of the buildpack"},
		{"file without a name", []file{{name: "."}}, "leads out of the buildpack"},
		{"link to dots", []file{{name: "l", kind: tar.TypeSymlink, link: ".."}}, "leads out of the buildpack"},
		{"link far up", []file{{name: "d/l", kind: tar.TypeSymlink, link: "../../x"}}, "leads out of the buildpack"},
		{"absolute link", []file{{name: "l", kind: tar.TypeSymlink, link: "/etc"}}, "leads out of the buildpack"},
		{"below a link", []file{{name: "l", kind: tar.TypeSymlink, link: "bin"}, {name: "l/x"}}, `"l" is not a directory`},
		{"below a file", []file{{name: "f"}, {name: "f/x/y"}}, `"f" is not a directory`},
		{"link instead of a directory", []file{{name: "bin", kind: tar.TypeSymlink, link: "lib"}}, "it is there twice"},
		{"file twice", []file{{name: "f"}, {name: "./f"}}, "it is there twice"},
		{"hard link outwards", []file{{name: "l", kind: tar.TypeLink, link: "../../etc/passwd"}}, "not an earlier file of the buildpack"},
		{"hard link to an absolute path", []file{{name: "l", kind: tar.TypeLink, link: "/bin/build"}}, "not an earlier file of the buildpack"},
		{"hard link to what comes later", []file{{name: "l", kind: tar.TypeLink, link: "m"}, {name: "m"}}, "not an earlier file of the buildpack"},
		{"hard link to a symbolic one", []file{{name: "s", kind: tar.TypeSymlink, link: "x"}, {name: "l", kind: tar.TypeLink, link: "s"}}, "not an earlier file of the buildpack"},
		{"pipe", []file{{name: "p", kind: tar.TypeFifo}}, "neither a file"},
		{"device", []file{{name: "p", kind: tar.TypeChar}}, "neither a file"},
		{"whiteout", []file{{name: "bin/.wh.detect"}}, "reserved for whiteouts"},
		{"opaque", []file{{name: ".wh..wh..opq/x"}}, "reserved for whiteouts"},
		{"no text", []file{{name: "\xff"}}, "not UTF-8 text"},
		{"large", []file{{name: "f", content: strings.Repeat("x", 4000)}}, "too large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			archive := tarOf(t, append(whole[:2:2], test.files...)...)
			d, err := readDescriptor(buildpacks, []byte(whole[0].content))
			if err != nil {
				t.Fatal(err)
			}
			var layer bytes.Buffer
			err = writeTree(&layer, d, entries(t.Context(), io.NewSectionReader(bytes.NewReader(archive), 0, int64(len(archive)))), 4000)
			if test.want != "" {
				wantError(t, err, test.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			wantInside(t, layer.Bytes(), "cnb/buildpacks/acme_x")
		})
	}
}

// TestDirectoryLeavesOut has a directory with a file that has no content.
func TestDirectoryLeavesOut(t *testing.T) {
	t.Parallel()
	dir := writeFiles(t, map[string]string{"buildpack.toml": descriptorOf("acme/x@1"), "bin/build": ""})
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	said := &lines{Reporter: progress.Discard}
	if _, err := resolve(t, fakeBuilder(t, nil), Request{Buildpacks: sources(dir), Progress: said}, nil); err != nil {
		t.Fatal(err)
	}
	want := "Left out of buildpack " + dir + `: "pipe" (a named pipe)`
	if !slices.Contains(said.all, want) {
		t.Errorf("it said %q, not %q", said.all, want)
	}
}

// lines keeps what is said.
type lines struct {
	progress.Reporter
	all []string
}

func (l *lines) Info(line string) { l.all = append(l.all, line) }

// TestDirectoryRefuses has directories with what does not belong there. What an
// archive can have, too, is in TestTreeRefuses.
func TestDirectoryRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		make func(dir string) error
		want string
	}{
		{"link", func(dir string) error { return os.Symlink("/etc/passwd", filepath.Join(dir, "link")) }, `"link": the link leads out`},
		{"no bin/build", func(dir string) error { return os.Remove(filepath.Join(dir, "bin/build")) }, "it has no bin/build"},
		{"no buildpack.toml", func(dir string) error { return os.Remove(filepath.Join(dir, "buildpack.toml")) }, "it has no buildpack.toml at its top"},
		{"bin/build is a directory", func(dir string) error {
			path := filepath.Join(dir, "bin/build")
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		}, "its bin/build is a directory"},
		{"Windows line ends", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "bin/detect"), []byte("#!/usr/bin/env bash\r\nexit 0\r\n"), 0o700)
		}, `"bin/detect": the script has Windows line ends (CRLF)`},
		{"an extension", func(dir string) error {
			return os.Rename(filepath.Join(dir, "buildpack.toml"), filepath.Join(dir, "extension.toml"))
		}, "it is an image extension"},
		{"buildpack.toml is a link outwards", func(dir string) error {
			path := filepath.Join(dir, "buildpack.toml")
			return errors.Join(os.Remove(path), os.Symlink("/etc/os-release", path))
		}, "path escapes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := writeFiles(t, map[string]string{"buildpack.toml": descriptorOf("acme/x@1"), "bin/build": ""})
			if err := test.make(dir); err != nil {
				t.Fatal(err)
			}
			_, err := resolve(t, fakeBuilder(t, nil), Request{Buildpacks: sources(dir)}, nil)
			wantError(t, err, test.want)
			wantError(t, err, "buildpack "+dir)
			if failed, ok := errors.AsType[*Error](err); !ok || failed.Misnamed {
				t.Errorf("error is %#v", err)
			}
		})
	}
}

// wantInside fails if an archive has an entry elsewhere than below dir.
func wantInside(t *testing.T, archive []byte, dir string) {
	t.Helper()
	for reader := tar.NewReader(bytes.NewReader(archive)); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(header.Name, dir+"/") || strings.Contains(header.Name, "/../") {
			t.Errorf("entry %q", header.Name)
		}
		if header.Typeflag == tar.TypeLink && !strings.HasPrefix(header.Linkname, dir+"/") {
			t.Errorf("entry %q is a hard link to %q", header.Name, header.Linkname)
		}
		if header.Mode&^0o777 != 0 || header.Uid != 0 || header.Gid != 0 || !header.ModTime.Equal(modTime) {
			t.Errorf("entry %q has mode %o, owner %d:%d, time %v", header.Name, header.Mode, header.Uid, header.Gid, header.ModTime)
		}
	}
}

// FuzzArchive reads whatever bytes somebody calls a buildpack: an error, or a
// layer that has nothing outside its place.
func FuzzArchive(f *testing.F) {
	f.Add(tarOf(f, file{name: "buildpack.toml", content: descriptorOf("acme/x@1")}, file{name: "bin/build", mode: 0o4755}))
	f.Add(gzipped(f, tarOf(f, file{name: "./buildpack.toml", content: descriptorOf("x@1")}, file{name: "bin/build", kind: tar.TypeSymlink, link: "../.."})))
	f.Add(tarOf(f, file{name: "/oci-layout"}, file{name: "/index.json", content: `{"manifests":[{}]}`}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := &resolver{of: buildpacks, spool: &spool{limit: 1 << 20}}
		defer r.spool.close()
		if _, err := r.archive(t.Context(), io.NewSectionReader(bytes.NewReader(raw), 0, int64(len(raw)))); err != nil {
			return
		}
		for _, m := range r.found {
			content, err := m.layer.Uncompressed()
			if err != nil {
				continue // of an OCI layout, which was not read yet
			}
			layer, err := io.ReadAll(content)
			if _, ok := m.layer.(*spooled); ok && err == nil {
				wantInside(t, layer, "cnb/buildpacks/"+escape(m.id))
			}
		}
	})
}
