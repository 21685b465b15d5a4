package enginetest

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

// app is the volume in which the tests of Import and Export work.
var app = lifecycle.Mount{Volume: lifecycle.VolumeApp, Target: "/workspace"}

// export reads a file that has to be there.
func export(t *testing.T, place lifecycle.Place, volume, path string) string {
	t.Helper()
	r, err := place.Export(t.Context(), volume, path)
	if err != nil {
		t.Fatalf("export of %s: %v", path, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("export of %s: %v", path, err)
	}
	return string(data)
}

func testVolumes(t *testing.T, s *suite) {
	place := s.place(t)
	layers := lifecycle.Mount{Volume: lifecycle.VolumeLayers, Target: "/layers"}
	steps(t, place, with(builderPhase("do", "write:/layers/from-builder=x"), layers))
	steps(t, place, with(ownPhase("do", "write:/layers/from-own=x"), layers))
	roots(t, func(t *testing.T, phase func(...string) lifecycle.Phase) {
		got := steps(t, place, with(phase("do", "list:/layers", "append:/layers/from-builder=x", "append:/layers/from-own=x"), layers))
		if diff := cmp.Diff([]report.Step{{Out: "from-builder from-own"}, {}, {}}, got); diff != "" {
			t.Errorf("layers (-want +got):\n%s", diff)
		}
	})
	if s.has(InPlace) {
		return
	}
	other := s.place(t)
	if got := steps(t, other, with(builderPhase("do", "list:/layers"), layers)); got[0].Out != "" {
		t.Errorf("another place has %s", got[0].Out)
	}
}

func testImport(t *testing.T, s *suite) {
	place := s.place(t)
	content := archive(t,
		file{tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o700}, nil},
		file{tar.Header{Typeflag: tar.TypeDir, Name: "closed/", Mode: 0o555, Uid: 12345}, nil},
		file{tar.Header{Typeflag: tar.TypeReg, Name: "closed/file", Mode: 0o440, Uid: 0, Gid: 0}, []byte("content")},
		file{tar.Header{Typeflag: tar.TypeReg, Name: "no/parents/file", Mode: 0o755, Uid: 4_000_000}, []byte("#!")},
		file{tar.Header{Typeflag: tar.TypeReg, Name: "setuid", Mode: 0o6755, Uid: 0}, nil},
		file{tar.Header{Typeflag: tar.TypeSymlink, Name: "link", Linkname: "closed/file"}, nil},
		file{tar.Header{Typeflag: tar.TypeSymlink, Name: "dangling", Linkname: "/no/such/file"}, nil},
		file{tar.Header{Typeflag: tar.TypeLink, Name: "hard", Linkname: "closed/file"}, nil},
		file{tar.Header{Typeflag: tar.TypeReg, Name: "setuid", Mode: 0o600}, []byte("again")},
	)
	if err := place.Import(t.Context(), lifecycle.VolumeApp, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	got := steps(t, place, with(builderPhase("do",
		"stat:/workspace", "stat:/workspace/closed", "stat:/workspace/closed/file", "stat:/workspace/no/parents",
		"stat:/workspace/no/parents/file", "stat:/workspace/setuid", "stat:/workspace/link", "stat:/workspace/hard",
		"read:/workspace/hard", "read:/workspace/setuid", "list:/workspace"), app))
	if diff := cmp.Diff([]report.Step{
		{Out: "drwxr-xr-x 1001:1002 /workspace"},
		{Out: "dr-xr-xr-x 1001:1002 /workspace/closed"},
		{Out: "-r--r----- 1001:1002 /workspace/closed/file"},
		{Out: "drwxr-xr-x 1001:1002 /workspace/no/parents"},
		{Out: "-rwxr-xr-x 1001:1002 /workspace/no/parents/file"},
		{Out: "-rw------- 1001:1002 /workspace/setuid"},
		{Out: "Lrwxrwxrwx 1001:1002 /workspace/closed/file"},
		{Out: "-r--r----- 1001:1002 /workspace/hard"},
		{Out: "content"}, {Out: "again"},
		{Out: "closed dangling hard link no setuid"},
	}, got); diff != "" {
		t.Errorf("imported files (-want +got):\n%s", diff)
	}
	t.Run("unknown volume", func(t *testing.T) {
		if err := place.Import(t.Context(), "unknown", bytes.NewReader(content)); err == nil {
			t.Error("no error")
		}
	})
	t.Run("not an archive", func(t *testing.T) {
		if err := place.Import(t.Context(), lifecycle.VolumeApp, strings.NewReader(strings.Repeat("x", 2048))); err == nil {
			t.Error("no error")
		}
	})
	t.Run("a cut archive", func(t *testing.T) {
		if err := place.Import(t.Context(), lifecycle.VolumeApp, bytes.NewReader(content[:3*512+3])); err == nil {
			t.Error("no error")
		}
	})
	t.Run("a reader that fails", func(t *testing.T) {
		broken := errors.New("broken")
		r := io.MultiReader(bytes.NewReader(content[:512]), failing{broken})
		if err := place.Import(t.Context(), lifecycle.VolumeApp, r); err == nil || !strings.Contains(err.Error(), "broken") {
			t.Errorf("got %v", err)
		}
	})
}

// failing is a reader that only fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// testHostileImport unpacks entries that try to leave the volume. Whether the
// import fails or not, nothing may be outside afterwards.
func testHostileImport(t *testing.T, s *suite) {
	place := s.place(t)
	other := s.other()
	state := lifecycle.Mount{Volume: lifecycle.VolumeState, Target: other}
	reg := func(name string) file {
		return file{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o666}, []byte("escaped")}
	}
	link := func(name, target string) file {
		return file{tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target}, nil}
	}
	hard := func(name, target string) file {
		return file{tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: target}, nil}
	}
	for name, files := range map[string][]file{
		"a climbing name":           {reg("../state/escaped")},
		"a climb in the middle":     {reg("a/../../state/escaped")},
		"an absolute name":          {reg(outside())},
		"through an absolute link":  {link("dir", outside()), reg("dir/escaped")},
		"through a climbing link":   {link("dir", "../state"), reg("dir/escaped")},
		"over a link":               {link("file", "../state/escaped"), reg("file")},
		"a hard link out":           {hard("file", "../state/file"), reg("file")},
		"a hard link by a link":     {link("dir", "../state"), hard("file", "dir/file")},
		"a directory over a link":   {link("dir", "../state"), {tar.Header{Typeflag: tar.TypeDir, Name: "dir", Mode: 0o777}, nil}, reg("dir/inside")},
		"a link to a link":          {link("a", ".."), link("b", "a/state"), reg("b/escaped")},
		"the mode of a link's goal": {{tar.Header{Typeflag: tar.TypeDir, Name: "dir", Mode: 0o777}, nil}, link("dir", "../state")},
		"a device":                  {{tar.Header{Typeflag: tar.TypeChar, Name: "device", Mode: 0o666, Devmajor: 1, Devminor: 3}, nil}},
		"a block device":            {{tar.Header{Typeflag: tar.TypeBlock, Name: "device", Mode: 0o666}, nil}},
		"a pipe":                    {{tar.Header{Typeflag: tar.TypeFifo, Name: "pipe", Mode: 0o666}, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			steps(t, place, with(builderPhase("do", "write:"+other+"/file=untouched", "remove:/workspace/file",
				"remove:/workspace/dir", "remove:/workspace/a", "remove:/workspace/b"), state, app))
			err := place.Import(t.Context(), lifecycle.VolumeApp, bytes.NewReader(archive(t, files...)))
			got := steps(t, place, with(builderPhase("do", "list:"+other, "read:"+other+"/file", "stat:"+other, "list:/workspace"), state, app))
			if diff := cmp.Diff([]report.Step{{Out: "file"}, {Out: "untouched"}, {Out: "drwxr-xr-x 1001:1002 " + other}}, got[:3]); diff != "" {
				t.Errorf("another volume (-want +got):\n%s\nafter %v", diff, err)
			}
			for _, special := range []string{"device", "pipe"} {
				if strings.Contains(got[3].Out, special) {
					t.Errorf("the volume has a %s", special)
				}
			}
		})
	}
}

func testExport(t *testing.T, s *suite) {
	place := s.place(t)
	steps(t, place, with(builderPhase("do", "mkdir:/workspace/a/b", "write:/workspace/a/b/c=content", "write:/workspace/secret=x",
		"chmod:/workspace/secret=0", "link:/workspace/inside=a/b/c"), app))
	for path, want := range map[string]string{"a/b/c": "content", "secret": "x", "inside": "content"} {
		if got := export(t, place, lifecycle.VolumeApp, path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	for _, path := range []string{"missing", "a/missing", "missing/c"} {
		if _, err := place.Export(t.Context(), lifecycle.VolumeApp, path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v, want fs.ErrNotExist", path, err)
		}
	}
	if _, err := place.Export(t.Context(), "unknown", "a/b/c"); err == nil {
		t.Error("there is an unknown volume")
	}
}

// testHostileExport asks for what is not a regular file of the volume.
func testHostileExport(t *testing.T, s *suite) {
	place := s.place(t)
	other := s.other()
	state := lifecycle.Mount{Volume: lifecycle.VolumeState, Target: other}
	made := steps(t, place, with(builderPhase("do", "write:"+other+"/file=of another volume",
		"link:/workspace/absolute=/etc/hostname", "link:/workspace/climb=../state/file", "link:/workspace/dir=..",
		"link:/workspace/proc=/proc/self/environ", "fifo:/workspace/pipe", "mkdir:/workspace/directory"), state, app))
	for _, step := range made {
		if step.Err != "" {
			t.Fatal(step.Err)
		}
	}
	for _, path := range []string{
		"absolute", "climb", "dir/state/file", "proc", "pipe", "directory", ".", "",
		"../state/file", "directory/../../state/file", "/etc/hostname",
	} {
		t.Run("path "+path, func(t *testing.T) {
			r, err := place.Export(t.Context(), lifecycle.VolumeApp, path)
			if err != nil {
				return
			}
			defer r.Close()
			data, err := io.ReadAll(r)
			t.Errorf("got %q, %v", data, err)
		})
	}
}
