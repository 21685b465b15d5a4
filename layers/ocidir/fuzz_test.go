package ocidir

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers"
)

// FuzzLayout reads a directory whose index.json, oci-layout and manifest are an
// enemy's. What is not ErrNotFound or ErrCorrupt is a fault.
func FuzzLayout(f *testing.F) {
	const layout, empty = `{"imageLayoutVersion":"1.0.0"}`, `sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a`
	f.Add(`{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"`+empty+
		`","size":2,"annotations":{"org.opencontainers.image.ref.name":"latest"}}]}`, layout, "{}")
	f.Add(`{"manifests":[{"digest":"sha256:../../../../secret","size":2,"annotations":{"org.opencontainers.image.ref.name":"latest"}},null,7]}`, layout, "{}")
	f.Add(`{"manifests":{}}`, `{"imageLayoutVersion":"2.0.0"}`, "")
	f.Add(strings.Repeat("[", 5000), layout, "{}")
	f.Add("", "", "")
	f.Fuzz(func(t *testing.T, index, layout, manifest string) {
		dir := t.TempDir()
		digest, _, err := v1.SHA256(strings.NewReader(manifest))
		if err != nil {
			t.Fatal(err)
		}
		blobs := filepath.Join(dir, "blobs", "sha256")
		if err := os.MkdirAll(blobs, 0o755); err != nil {
			t.Fatal(err)
		}
		for path, content := range map[string]string{
			filepath.Join(dir, "index.json"): index, filepath.Join(dir, "oci-layout"): layout, filepath.Join(blobs, digest.Hex): manifest,
		} {
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		s := New(Config{Dir: dir})
		found, raw, err := s.Resolve(t.Context(), "latest")
		switch {
		case err == nil && string(raw) != manifest && found.Digest == digest:
			t.Errorf("%s is %q", found.Digest, raw)
		case err != nil && !errors.Is(err, layers.ErrNotFound) && !errors.Is(err, layers.ErrCorrupt) && err.Error() == "":
			t.Errorf("no words")
		}
		if err != nil {
			return
		}
		if r, err := s.Open(t.Context(), found, 0, -1); err == nil {
			_, _ = io.Copy(io.Discard, r)
			r.Close()
		}
	})
}
