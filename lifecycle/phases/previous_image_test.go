package phases

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/buildpacks/imgutil"
	"github.com/buildpacks/lifecycle/api"
	"github.com/buildpacks/lifecycle/log"
	"github.com/buildpacks/lifecycle/phase"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// oldImage is a previous image with one label and one endless layer.
type oldImage struct {
	imgutil.Image
	label string
}

func (*oldImage) Name() string                              { return "old" }
func (*oldImage) Found() bool                               { return true }
func (*oldImage) Valid() bool                               { return true }
func (*oldImage) Kind() string                              { return "test" }
func (i *oldImage) Label(string) (string, error)            { return i.label, nil }
func (*oldImage) String() string                            { return "old@sha256:1" }
func (i *oldImage) Identifier() (imgutil.Identifier, error) { return i, nil }
func (*oldImage) GetLayer(string) (io.ReadCloser, error) {
	return io.NopCloser(endless{}), nil
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestPreviousImageOverBounds builds as if there were no previous image.
func TestPreviousImageOverBounds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, label, want string }{
		{"nested", `{"buildpacks":[{"key":"a","layers":{"b":{"data":` + strings.Repeat(`{"a":`, 9000) + "1" + strings.Repeat("}", 9000) + `}}}]}`, "nests deeper"},
		{"usual", `{"buildpacks":[{"key":"a","layers":{"b":{"sha":"sha256:1"}}}]}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var said bytes.Buffer
			j := &job{log: log.NewDefaultLogger(&said), api: api.MustParse("0.12")}
			j.Paths.Layers = t.TempDir()
			analyzed, err := j.analyzeBounded(&phase.Analyzer{
				PreviousImage: &oldImage{label: test.label}, Logger: j.log, PlatformAPI: j.api,
			})
			if err != nil {
				t.Fatal(err)
			}
			if used := len(analyzed.LayersMetadata.Buildpacks) > 0; used != (test.want == "") {
				t.Errorf("used: %t, log: %s", used, said.String())
			}
			if !strings.Contains(said.String(), test.want) {
				t.Errorf("log: %s", said.String())
			}
		})
	}
}

// TestPreviousSBOM ends the SBOM layer of a previous image at its bound.
func TestPreviousSBOM(t *testing.T) {
	t.Parallel()
	layer, err := (&previousImage{&oldImage{}}).GetLayer("sha256:1")
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, layer)
	if n > bounds.MaxSBOM || !errors.Is(err, bounds.ErrExceeded) {
		t.Errorf("%d bytes, %v", n, err)
	}
}
