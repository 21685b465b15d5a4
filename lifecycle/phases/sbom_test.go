package phases

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/buildpacks/lifecycle/buildpack"
	"github.com/google/go-cmp/cmp"
)

// sbomArchive is an archive whose files are named in their content.
func sbomArchive(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, h := range headers {
		if h.Typeflag == 0 {
			h.Typeflag, h.Size = tar.TypeReg, int64(len(h.Name))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := io.WriteString(w, h.Name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

// TestUnpackSBOMs takes SBOMs out of an archive and nothing else, wherever the rest
// wants to go.
func TestUnpackSBOMs(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a/b/c")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	const launch = "/layers/sbom/launch/"
	archive := sbomArchive(t,
		tar.Header{Name: "/layers", Typeflag: tar.TypeDir}, tar.Header{Name: "/layers/sbom/launch/bp", Typeflag: tar.TypeDir, Mode: 0o644},
		tar.Header{Name: launch + "bp/x/sbom.cdx.json"}, tar.Header{Name: launch + "bp/x/sbom.spdx.json", Mode: 0o4000}, tar.Header{Name: "elsewhere/sbom/launch/bp/y/sbom.syft.json"},
		tar.Header{Name: launch + "../launch/bp/up/sbom.cdx.json"}, tar.Header{Name: "../../../escape"}, tar.Header{Name: launch + "bp/../../../../escape/sbom.cdx.json"},
		tar.Header{Name: launch + "bp/link", Typeflag: tar.TypeSymlink, Linkname: "/tmp"}, tar.Header{Name: launch + "bp/link/sbom.cdx.json"},
		tar.Header{Name: launch + "bp/hard/sbom.cdx.json", Typeflag: tar.TypeLink, Linkname: launch + "bp/x/sbom.cdx.json"},
		tar.Header{Name: launch + "bp/pipe/sbom.cdx.json", Typeflag: tar.TypeFifo}, tar.Header{Name: launch + "bp/x/sbom.toml"},
		tar.Header{Name: "/layers/sbom/cache/bp/x/sbom.cdx.json"}, tar.Header{Name: "/layers/group.toml"}, tar.Header{Name: launch + "bp/sbom.cdx.json"}, tar.Header{Name: launch + "sbom.legacy.json"},
		tar.Header{Name: launch + "../sbom.cdx.json"},
	)
	skipped, err := unpackSBOMs(t.Context(), root, bytes.NewReader(archive), "/layers", 4)
	if err != nil || skipped != 10 {
		t.Errorf("%d entries left out, %v", skipped, err)
	}
	want := []string{
		"sbom", "sbom/launch", "sbom/launch/bp", "sbom/launch/bp/link", "sbom/launch/bp/link/sbom.cdx.json",
		"sbom/launch/bp/x", "sbom/launch/bp/x/sbom.cdx.json", "sbom/launch/bp/x/sbom.spdx.json", "sbom/launch/bp/y", "sbom/launch/bp/y/sbom.syft.json",
	}
	if diff := cmp.Diff(want, left(t, dir)); diff != "" {
		t.Errorf("unpacked (-want +got):\n%s", diff)
	}
	if _, err := unpackSBOMs(t.Context(), root, bytes.NewReader(archive[:700]), "/layers", 4); !errors.Is(err, errSBOMs) {
		t.Errorf("half an archive: %v", err)
	}
	if _, err := unpackSBOMs(t.Context(), root, bytes.NewReader(archive), "/layers", 3); !errors.Is(err, errSBOMs) {
		t.Errorf("too many: %v", err)
	}
}

// TestRestoreKind puts SBOMs beside layers of the group, as new files.
func TestRestoreKind(t *testing.T) {
	t.Parallel()
	j, _ := walled(t)
	state := t.TempDir()
	plant(t, state, map[string]string{
		"sbom/launch/a_b/x/sbom.cdx.json": "launch x", "sbom/launch/a_b/y/sbom.cdx.json": "link", "sbom/launch/a_b/z": "link",
		"sbom/launch/a_b/w/sbom.cdx.json": "pipe", "sbom/launch/a_b/x/other.json": "other",
		"sbom/launch/gone/x/sbom.cdx.json": "gone", "sbom/launch/stranger/x/sbom.cdx.json": "stranger",
	})
	plant(t, j.Paths.Layers, map[string]string{"a_b/x.sbom.cdx.json": "hard", "stranger": "directory"})
	sboms, err := openPlain(state)
	if err != nil {
		t.Fatal(err)
	}
	defer sboms.close()
	to, err := os.OpenRoot(j.Paths.Layers)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	group := buildpack.Group{Group: []buildpack.GroupElement{{ID: "a/b"}, {ID: "gone"}}}
	for _, kind := range []string{cacheSBOM, launchSBOM} { // there is none of the first
		if err := restoreKind(to, sboms, kind, group); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"a_b", "a_b/x.sbom.cdx.json", "a_b/x.sbom.cdx.json-other", "stranger"}
	if diff := cmp.Diff(want, left(t, j.Paths.Layers)); diff != "" {
		t.Errorf("restored (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{"x.sbom.cdx.json": "launch x", "x.sbom.cdx.json-other": ""} {
		if got, err := os.ReadFile(filepath.Join(j.Paths.Layers, "a_b", name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestUsable leaves out what labels say that cannot be restored.
func TestUsable(t *testing.T) {
	t.Parallel()
	fine := buildpack.LayerMetadata{SHA: "sha256:1", LayerMetadataFile: buildpack.LayerMetadataFile{Launch: true, Data: map[string]any{"a": []any{1.0, "x", map[string]any{"b": nil}}}}}
	nothing := fine
	nothing.Data = map[string]any{"a": []any{nil, 1.0}}
	all := []buildpack.LayersMetadata{
		{ID: "a/b", Layers: map[string]buildpack.LayerMetadata{
			"x": fine, "x.y": fine, "": fine, ".": fine, "..": fine, "../../state/analyzed": fine, "a\\b": fine, "store": fine,
			"launch": fine, "build": fine, "x.toml": fine, "x.sha": fine, "x.sbom.cdx.json": fine, "nothing": nothing,
		}, Store: &buildpack.StoreTOML{Data: map[string]any{"a": []any{nil}}}},
		{ID: "..", Layers: map[string]buildpack.LayerMetadata{"x": fine}},
		{ID: "sbom", Layers: map[string]buildpack.LayerMetadata{"x": fine}},
	}
	kept, dropped := usable(all)
	want := []buildpack.LayersMetadata{{ID: "a/b", Layers: map[string]buildpack.LayerMetadata{"x": fine, "x.y": fine}}}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if len(dropped) != 12+1+2 || len(all[0].Layers) != 14 || all[0].Store == nil {
		t.Errorf("dropped %q of %v", dropped, all)
	}
}
