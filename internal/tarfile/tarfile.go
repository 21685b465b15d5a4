// Package tarfile writes archives of what is small enough for memory.
//
// What it is not for: archives of layers and of the source, which are streams.
package tarfile

import (
	"archive/tar"
	"bytes"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Add writes one entry, with the size of its content.
func Add(w *tar.Writer, header tar.Header, content []byte) error {
	header.Size = int64(len(content))
	if err := w.WriteHeader(&header); err != nil {
		return err
	}
	_, err := w.Write(content)
	return err
}

// Bytes returns an archive of entries. content is by their names.
func Bytes(entries []tar.Header, content map[string][]byte) ([]byte, error) {
	var buffer bytes.Buffer
	w := tar.NewWriter(&buffer)
	for _, entry := range entries {
		if err := Add(w, entry, content[entry.Name]); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}

// Layer returns a layer of entries that is not compressed, always the same for the
// same entries. content is by their names.
func Layer(mediaType types.MediaType, entries []tar.Header, content map[string][]byte) (v1.Layer, error) {
	archive, err := Bytes(entries, content)
	if err != nil {
		return nil, err
	}
	return static.NewLayer(archive, mediaType), nil
}
