package inline

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/layers"
)

// envelope is what makes an artifact of a snapshot's manifest. It is written in
// front of the manifest's own fields, which stay as they are, byte for byte: so
// the manifest comes out again with the digest that it went in with.
type envelope struct {
	ArtifactType string            `json:"artifactType"`
	Subject      *subject          `json:"subject"`
	Annotations  map[string]string `json:"annotations"`
}

// subject is a descriptor of which nothing is left out.
type subject struct {
	MediaType types.MediaType `json:"mediaType"`
	Digest    string          `json:"digest"`
	Size      int64           `json:"size"`
}

// begin is the text of the envelope, up to the manifest's first field.
func (e envelope) begin() ([]byte, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	return append(text[:len(text)-1], ','), nil
}

// wrap makes an artifact whose subject is an image.
func wrap(image v1.Descriptor, mediaType string, manifest []byte, generation int) (v1.Descriptor, []byte, error) {
	var fields map[string]json.RawMessage
	if err := bounds.JSON(manifest, &fields); err != nil {
		return v1.Descriptor{}, nil, fmt.Errorf("manifest: %w", err)
	}
	for _, taken := range []string{"artifactType", "subject", "annotations"} {
		if _, ok := fields[taken]; ok {
			return v1.Descriptor{}, nil, fmt.Errorf("a manifest with the field %s cannot be kept beside an image", taken)
		}
	}
	if len(fields) == 0 || manifest[0] != '{' {
		return v1.Descriptor{}, nil, errors.New("manifest: there is nothing in it, or something before it")
	}
	e := envelope{
		ArtifactType: layers.ArtifactType,
		Subject:      &subject{image.MediaType, image.Digest.String(), image.Size},
		Annotations:  map[string]string{layers.GenerationAnnotation: strconv.Itoa(generation)},
	}
	begin, err := e.begin()
	if err != nil {
		return v1.Descriptor{}, nil, err
	}
	raw := append(begin, manifest[1:]...)
	return v1.Descriptor{
		MediaType: types.MediaType(mediaType), Digest: digestOf(raw), Size: int64(len(raw)),
		ArtifactType: e.ArtifactType, Annotations: e.Annotations,
	}, raw, nil
}

// unwrap returns the manifest that an artifact was made of.
func unwrap(raw []byte) ([]byte, error) {
	var e envelope
	if err := bounds.JSON(raw, &e); err != nil {
		return nil, fmt.Errorf("artifact: %w", err)
	}
	begin, err := e.begin()
	if err != nil {
		return nil, err
	}
	rest, ok := bytes.CutPrefix(raw, begin)
	if !ok || e.ArtifactType != layers.ArtifactType {
		return nil, fmt.Errorf("artifact: it was not made by pack-cache: %w", layers.ErrForeign)
	}
	return append([]byte{'{'}, rest...), nil
}

func digestOf(data []byte) v1.Hash {
	sum := sha256.Sum256(data)
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
}
