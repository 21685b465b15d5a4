package acceptance

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// fresh returns the reference of a repository that nothing else uses, whose name
// begins with prefix. Docker's registry does not bear several pushes of one blob
// to one repository at the same time.
func (r *registry) fresh(prefix string) string {
	return r.ref(prefix + "-" + strings.ToLower(rand.Text()))
}

// digest is the digest of the manifest that ref stands for, "" for none.
func (r *registry) digest(t *testing.T, ref string) string {
	t.Helper()
	descriptor, err := remote.Head(r.parse(t, ref), r.access(t)...)
	if err != nil {
		return ""
	}
	return descriptor.Digest.String()
}

// pushImage makes ref stand for an image.
func (r *registry) pushImage(t *testing.T, ref string, img v1.Image) {
	t.Helper()
	if err := remote.Write(r.parse(t, ref), img, r.access(t)...); err != nil {
		t.Fatalf("push %s: %v", ref, err)
	}
}

// pushIndex makes ref stand for an index of images.
func (r *registry) pushIndex(t *testing.T, ref string, images ...mutate.IndexAddendum) {
	t.Helper()
	index := mutate.AppendManifests(empty.Index, images...)
	if err := remote.WriteIndex(r.parse(t, ref), index, r.access(t)...); err != nil {
		t.Fatalf("push %s: %v", ref, err)
	}
}

// pushArtifact makes ref stand for something that is no image, as a Helm chart
// is.
func (r *registry) pushArtifact(t *testing.T, ref string) {
	t.Helper()
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	img = mutate.ConfigMediaType(img, "application/vnd.cncf.helm.config.v1+json")
	img, err := mutate.AppendLayers(img, static.NewLayer([]byte("chart"), "application/vnd.cncf.helm.chart.content.v1.tar+gzip"))
	if err != nil {
		t.Fatal(err)
	}
	r.pushImage(t, ref, img)
}

// change pushes the image from again as to, with a change of its config.
func (r *registry) change(t *testing.T, from, to string, change func(*v1.ConfigFile)) string {
	t.Helper()
	img := r.image(t, from)
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	change(config)
	if img, err = mutate.ConfigFile(img, config); err != nil {
		t.Fatal(err)
	}
	r.pushImage(t, to, img)
	return to
}

func (r *registry) parse(t *testing.T, ref string) name.Reference {
	t.Helper()
	parsed, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// access is how the test itself talks to the registry.
func (r *registry) access(t *testing.T) []remote.Option {
	return []remote.Option{
		remote.WithContext(t.Context()), remote.WithTransport(r.Transport()), remote.WithAuthFromKeychain(r.keychain),
	}
}
