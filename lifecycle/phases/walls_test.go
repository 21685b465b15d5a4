package phases

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/buildpacks/lifecycle/buildpack"
	"github.com/buildpacks/lifecycle/log"
	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// plant makes what a buildpack could. Kinds are a directory, file, link, hard (a file
// with a second name), pipe, socket, or a text, which is the content of a file.
func plant(t *testing.T, dir string, entries map[string]string) {
	t.Helper()
	for name, kind := range entries {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		switch kind {
		case "directory":
			err = errors.Join(err, os.MkdirAll(path, 0o755))
		case "link":
			err = errors.Join(err, os.Symlink("/proc/self/fd/1", path))
		case "hard":
			err = errors.Join(err, os.WriteFile(path, nil, 0o644), os.Link(path, path+"-other"))
		case "pipe":
			err = errors.Join(err, syscall.Mkfifo(path, 0o644))
		case "socket":
			listener, listenErr := net.Listen("unix", path)
			err = errors.Join(err, listenErr)
			if listener != nil {
				t.Cleanup(func() { listener.Close() })
			}
		default:
			err = errors.Join(err, os.WriteFile(path, []byte(kind), 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// walled is a job whose layers directory is dir.
func walled(t *testing.T) (*job, *bytes.Buffer) {
	t.Helper()
	said := &bytes.Buffer{}
	j := &job{log: log.NewDefaultLogger(said)}
	// Sockets have short paths.
	dir, err := os.MkdirTemp("", "walls-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	j.Paths.Layers, j.Paths.App = filepath.Join(dir, "layers"), filepath.Join(dir, "app")
	plant(t, dir, map[string]string{"layers": "directory", "app": "directory"})
	return j, said
}

// left lists what is in a directory.
func left(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if path != dir {
			all = append(all, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestLeftByDetect removes everything that is not the detector's, without following
// or opening any of it.
func TestLeftByDetect(t *testing.T) {
	t.Parallel()
	j, said := walled(t)
	plant(t, j.Paths.Layers, map[string]string{
		"group.toml": "", "plan.toml": "", "analyzed.toml": "", "generated/ext/build.Dockerfile": "FROM x", "generated/ext/context/x": "link",
		".pack-cache/layer":  "directory",
		"bp/x.sbom.cdx.json": "link", "bp/store.toml": "pipe", "bp/closed": "directory", "bp/s": "socket", "other": "link",
		"sbom/launch/bp/x/sbom.cdx.json": "forged", "config/metadata.toml": "hard", "pipe": "pipe", "closed/x": "directory",
	})
	if err := os.Chmod(filepath.Join(j.Paths.Layers, "closed"), 0); err != nil {
		t.Fatal(err)
	}
	if err := j.leftByDetect(true, false); err != nil {
		t.Fatal(err)
	}
	want := []string{".pack-cache", ".pack-cache/layer", "analyzed.toml", "generated", "generated/ext", "generated/ext/build.Dockerfile", "generated/ext/context", "generated/ext/context/x", "group.toml", "plan.toml"}
	if diff := cmp.Diff(want, left(t, j.Paths.Layers)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if !strings.Contains(said.String(), `"bp", "closed", "config", "other", "pipe", and 1 more`) {
		t.Errorf("said: %s", said)
	}
	if err := j.leftByDetect(false, false); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(j.Paths.Layers, ".pack-cache")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the stage of an engine that has none: %v", err)
	}
}

// TestLeftInPlaceOfDetectors refuses what is in place of the detector's own files.
func TestLeftInPlaceOfDetectors(t *testing.T) {
	t.Parallel()
	for _, name := range detectorsFiles {
		for _, kind := range []string{"directory", "link", "hard", "pipe", "socket", "a = " + strings.Repeat("[", 9000)} {
			t.Run(name+" "+kind[:4], func(t *testing.T) {
				t.Parallel()
				j, _ := walled(t)
				plant(t, j.Paths.Layers, map[string]string{name: kind})
				err := j.leftByDetect(true, false)
				if bad := (*leftError)(nil); !errors.As(err, &bad) || !strings.Contains(err.Error(), name) {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

// TestLeftByBuild refuses what export would open, by its name and its buildpack.
func TestLeftByBuild(t *testing.T) {
	t.Parallel()
	deep := "a = " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	for name, test := range map[string]struct {
		entries map[string]string
		want    string // "" for nothing
	}{
		"layer is a link":      {map[string]string{"a_b/x": "link", "a_b/x.toml": ""}, "buildpack a/b has left a symbolic link as /a_b/x"},
		"layer is a pipe":      {map[string]string{"a_b/x": "pipe", "a_b/x.toml": ""}, "buildpack a/b has left a named pipe as /a_b/x"},
		"metadata link":        {map[string]string{"a_b/x.toml": "link"}, "buildpack a/b has left a symbolic link as /a_b/x.toml"},
		"metadata pipe":        {map[string]string{"a_b/launch.toml": "pipe"}, "a named pipe as /a_b/launch.toml"},
		"metadata socket":      {map[string]string{"a_b/build.toml": "socket"}, "a socket as /a_b/build.toml"},
		"metadata hard link":   {map[string]string{"a_b/store.toml": "hard"}, "a file with several names (hard links) as /a_b/store.toml"},
		"metadata deep":        {map[string]string{"a_b/x.toml": deep}, "a file that nobody can read as /a_b/x.toml"},
		"metadata large":       {map[string]string{"a_b/x.toml": strings.Repeat("#", bounds.MaxDocument+1)}, "a file that nobody can read as /a_b/x.toml"},
		"digest too large":     {map[string]string{"a_b/x.sha": strings.Repeat("0", maxSHA+1)}, "buildpack a/b has left a digest of more than 4096 bytes as /a_b/x.sha"},
		"layer above":          {map[string]string{"a_b/...toml": "[types]\n"}, "metadata of an impossible layer as /a_b/...toml"},
		"layer itself":         {map[string]string{"a_b/..toml": "[types]\n"}, "metadata of an impossible layer as /a_b/..toml"},
		"layer without a name": {map[string]string{"a_b/.toml": "[types]\n"}, "metadata of an impossible layer as /a_b/.toml"},
		"digest":               {map[string]string{"a_b/x.sha": "pipe"}, "a named pipe as /a_b/x.sha"},
		"SBOM of a layer":      {map[string]string{"a_b/x.sbom.cdx.json": "link"}, "a symbolic link as /a_b/x.sbom.cdx.json"},
		"buildpack":            {map[string]string{"a_b": "link"}, "buildpack a/b has left a symbolic link as /a_b"},
		"buildpack is a file":  {map[string]string{"a_b": ""}, "buildpack a/b has left a file as /a_b"},
		"launcher's metadata":  {map[string]string{"config/metadata.toml": "link"}, "a buildpack has left a symbolic link as /config/metadata.toml"},
		"launcher's directory": {map[string]string{"config": "link"}, "a symbolic link as /config"},
		"launcher's, deep":     {map[string]string{"config/1/2/3/4/5/6/7/8/9": "directory"}, "a directory as /config/1/2/3/4/5/6/7/8"},
		"launcher's, nested":   {map[string]string{"config/metadata.toml": deep}, "a file that nobody can read as /config/metadata.toml"},
		"SBOMs":                {map[string]string{"sbom": "link"}, "a symbolic link as /sbom"},
		"SBOMs of a kind":      {map[string]string{"sbom/launch": "link"}, "a symbolic link as /sbom/launch"},
		"SBOM":                 {map[string]string{"sbom/launch/a_b/x/sbom.cdx.json": "link"}, "buildpack a/b has left a symbolic link as /sbom/launch/a_b/x/sbom.cdx.json"},
		"SBOM pipe":            {map[string]string{"sbom/cache/a_b/x/sbom.cdx.json": "pipe"}, "a named pipe as /sbom/cache/a_b/x/sbom.cdx.json"},
		"SBOM deep down":       {map[string]string{"sbom/1/2/3/4/5/6/7/8/9": "directory"}, "a directory as /sbom/1/2/3/4/5/6/7"},
		"launcher's SBOM":      {map[string]string{"sbom/launch/buildpacksio_lifecycle/launcher/sbom.cdx.json": "link"}, "a symbolic link as /sbom/launch/buildpacksio_lifecycle/launcher/sbom.cdx.json"},
		"launcher's SBOM hard": {map[string]string{"sbom/launch/buildpacksio_lifecycle/launcher/sbom.cdx.json": "hard"}, "a file with several names"},
		"what nobody opens": {map[string]string{
			"other": "link", "pipe": "pipe", "others/x.toml": "link", "a_b/note": "link", "a_b/pipe": "pipe",
			"a_b/x/link": "link", "a_b/x/pipe": "pipe", "a_b/x/y.toml": "link", "a_b/x.toml": "[types]\n", "a_b/z.toml": "[[[",
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j, _ := walled(t)
			plant(t, j.Paths.Layers, map[string]string{"group.toml": "[[group]]\nid = \"a/b\"\nversion = \"1\"\napi = \"0.10\"\n"})
			plant(t, j.Paths.Layers, test.entries)
			_, err := j.builtGroup(filepath.Join(j.Paths.Layers, "group.toml"))
			got := ""
			if err != nil {
				got = strings.ReplaceAll(err.Error(), j.Paths.Layers, "")
			}
			if (test.want == "") != (err == nil) || !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestBuiltGroup refuses groups by which export would leave the layers directory.
func TestBuiltGroup(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"..", ".", "", "sbom", "config", "generated", ".pack-cache", "group.toml", `a\\b`, "/etc"} {
		j, _ := walled(t)
		plant(t, j.Paths.Layers, map[string]string{"group.toml": "[[group]]\nid = \"" + id + "\"\nversion = \"1\"\napi = \"0.10\"\n"})
		if _, err := j.builtGroup(filepath.Join(j.Paths.Layers, "group.toml")); err == nil || !strings.Contains(err.Error(), "no buildpack can have the id") {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// TestLaunchersSBOMsAreNew has export write its own SBOMs to files that were not there.
func TestLaunchersSBOMsAreNew(t *testing.T) {
	t.Parallel()
	j, _ := walled(t)
	plant(t, j.Paths.Layers, map[string]string{
		"sbom/launch/buildpacksio_lifecycle/launcher/sbom.cdx.json": "forged", "sbom/build/buildpacksio_lifecycle/sbom.cdx.json": "forged",
		"sbom/launch/a_b/x/sbom.cdx.json": "a",
	})
	dir, err := openPlain(j.Paths.Layers)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.close()
	if err := j.leftByBuild(dir, buildpack.Group{}); err != nil {
		t.Fatal(err)
	}
	want := []string{"sbom", "sbom/build", "sbom/launch", "sbom/launch/a_b", "sbom/launch/a_b/x", "sbom/launch/a_b/x/sbom.cdx.json"}
	if diff := cmp.Diff(want, left(t, j.Paths.Layers)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}
