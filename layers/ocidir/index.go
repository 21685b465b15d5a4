package ocidir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/userfile"
	"github.com/pack-cache/pack-cache/layers"
)

// refName is the annotation that names an entry of index.json (image
// specification, "index.json file").
const refName = "org.opencontainers.image.ref.name"

// index is an index.json. What this package does not know in it stays as it is.
type index struct {
	fields  map[string]json.RawMessage
	entries []entry
}

// entry is a descriptor in an index.json, and its text.
type entry struct {
	v1.Descriptor
	raw json.RawMessage
}

// readIndex reads index.json. The error is fs.ErrNotExist if there is none.
func readIndex(root *os.Root) (*index, error) {
	raw, err := readFile(root, indexName)
	if err != nil {
		return nil, err
	}
	read := &index{}
	if err := bounds.JSON(raw, &read.fields); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w: %w", indexName, err, layers.ErrCorrupt)
	}
	if read.fields == nil {
		return nil, fmt.Errorf("%s says nothing: %w", indexName, layers.ErrCorrupt)
	}
	var entries []json.RawMessage
	if list, ok := read.fields["manifests"]; ok {
		if err := bounds.JSON(list, &entries); err != nil {
			return nil, fmt.Errorf("%s cannot be read: %w: %w", indexName, err, layers.ErrCorrupt)
		}
	}
	for _, raw := range entries {
		one := entry{raw: raw}
		// An entry that is not understood belongs to somebody else.
		if err := bounds.JSON(raw, &one.Descriptor); err != nil {
			one.Descriptor = v1.Descriptor{}
		}
		read.entries = append(read.entries, one)
	}
	return read, nil
}

// lostIndex says what is wrong with a layout whose index.json gave err; "" if it
// is not lost or broken. There is one as soon as there is a layout.
func lostIndex(root *os.Root, err error) string {
	if _, statErr := root.Stat(layoutName); statErr != nil && !hasBlobs(root) {
		return "" // it is no layout
	}
	switch {
	case errors.Is(err, layers.ErrCorrupt):
		return err.Error()
	case errors.Is(err, fs.ErrNotExist):
		return indexName + " is lost"
	}
	return ""
}

// newIndex is an index without entries.
func newIndex() *index {
	return &index{fields: map[string]json.RawMessage{
		"schemaVersion": json.RawMessage("2"),
		"mediaType":     json.RawMessage(`"` + string(types.OCIImageIndex) + `"`),
	}}
}

// find returns the entry called name.
func (x *index) find(name string) (v1.Descriptor, bool) {
	for _, e := range x.entries {
		if e.named(name) {
			return e.Descriptor, true
		}
	}
	return v1.Descriptor{}, false
}

func (e entry) named(name string) bool {
	found, ok := e.Annotations[refName]
	return ok && found == name && e.Digest != v1.Hash{}
}

// put makes name stand for desc.
func (x *index) put(name string, desc v1.Descriptor) error {
	desc.Annotations = map[string]string{refName: name}
	raw, err := json.Marshal(desc)
	if err != nil {
		return err
	}
	added := entry{desc, raw}
	var entries []entry
	put := false
	for _, e := range x.entries {
		switch {
		case !e.named(name):
			entries = append(entries, e)
		case !put:
			entries, put = append(entries, added), true
		}
	}
	if !put {
		entries = append(entries, added)
	}
	x.entries = entries
	return nil
}

// marshal is the text of index.json.
func (x *index) marshal() ([]byte, error) {
	list := make([]json.RawMessage, 0, len(x.entries))
	for _, e := range x.entries {
		list = append(list, e.raw)
	}
	raw, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	x.fields["manifests"] = raw
	return json.Marshal(x.fields)
}

// maxManifest is how large a manifest or an index may be, as in registries.
const maxManifest = 4 << 20

// readManifest reads a manifest and checks it against its digest.
func readManifest(root *os.Root, digest v1.Hash) ([]byte, error) {
	raw, err := readFile(root, blobPath(digest))
	if err != nil {
		return nil, err
	}
	if got := hashOf(raw); got != digest {
		return nil, fmt.Errorf("manifest %s has digest %s: %w", digest, got, layers.ErrCorrupt)
	}
	return raw, nil
}

// readFile reads a regular file of limited size.
func readFile(root *os.Root, name string) ([]byte, error) {
	file, err := userfile.OpenIn(root, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, maxManifest+1))
	if err == nil && len(raw) > maxManifest {
		err = fmt.Errorf("%s is larger than %d bytes: %w", name, maxManifest, layers.ErrCorrupt)
	}
	return raw, err
}

// mediaTypeOf is the media type that a manifest gives itself.
func mediaTypeOf(raw []byte) types.MediaType {
	var said struct {
		MediaType types.MediaType `json:"mediaType"`
	}
	if bounds.JSON(raw, &said) != nil {
		return ""
	}
	return said.MediaType
}
