package inline

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/layers"
)

// TestEnvelope wraps a manifest so that everybody sees whom it belongs to, and
// gets it back byte for byte.
func TestEnvelope(t *testing.T) {
	t.Parallel()
	_, manifest := app("x")
	image := v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: digestOf([]byte("image")), Size: 5}
	desc, raw, err := wrap(image, string(types.OCIManifestSchema1), manifest, 3)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if parsed.ArtifactType != layers.ArtifactType || parsed.Subject.Digest != image.Digest || parsed.Subject.Size != 5 ||
		parsed.Config.Size == 0 || layers.Generation(v1.Descriptor{Annotations: parsed.Annotations}) != 3 {
		t.Errorf("%s", raw)
	}
	if desc.Digest != digestOf(raw) || desc.Size != int64(len(raw)) || layers.Generation(desc) != 3 {
		t.Errorf("%+v", desc)
	}
	if again, err := unwrap(raw); err != nil || !bytes.Equal(again, manifest) {
		t.Errorf("%s, %v", again, err)
	}
	for _, refused := range []string{"", "{}", "[]", " {\"a\":1}", `{"subject":{}}`, `{"annotations":{"a":"b"}}`} {
		if _, raw, err := wrap(image, "", []byte(refused), 1); err == nil {
			t.Errorf("%s became %s", refused, raw)
		}
	}
}

// FuzzUnwrap unwraps nothing that was not wrapped.
func FuzzUnwrap(f *testing.F) {
	_, manifest := app("x")
	_, raw, err := wrap(v1.Descriptor{MediaType: types.OCIManifestSchema1, Digest: digestOf(manifest)}, "", manifest, 1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add(manifest)
	f.Add([]byte(`{"artifactType":"` + layers.ArtifactType + `"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		inner, err := unwrap(raw)
		if err != nil {
			return
		}
		if !strings.HasPrefix(string(inner), "{") || len(inner) >= len(raw) || json.Valid(raw) && !json.Valid(inner) {
			t.Errorf("%s was unwrapped to %s", raw, inner)
		}
	})
}
