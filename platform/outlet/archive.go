package outlet

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/tarfile"
	"github.com/pack-cache/pack-cache/internal/until"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
)

// archive is an app image in the form that `docker load` reads.
type archive struct {
	app     phases.App
	tags    []string
	sources []*Source
	// without is how many of the lowest layers have no content, because whoever
	// loads the archive has them.
	without int
}

// manifestEntry is an image in manifest.json.
type manifestEntry struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// write writes the archive.
func (a *archive) write(ctx context.Context, to io.Writer) error {
	w := tar.NewWriter(to)
	digest, err := sum(a.app.Config)
	if err != nil {
		return err
	}
	entry := manifestEntry{Config: digest.Hex + ".json", RepoTags: a.tags}
	if err := writeSmall(w, entry.Config, a.app.Config); err != nil {
		return err
	}
	written := map[string]bool{}
	for i, layer := range a.app.Layers {
		name := layer.DiffID.Hex + ".tar"
		content := blob{open: func() (io.ReadCloser, error) { return io.NopCloser(eof{}), nil }}
		if i < a.without {
			name = fmt.Sprintf("there-%d.tar", i)
		} else if content, err = archiveOf(ctx, layer, a.sources...); err != nil {
			return err
		}
		entry.Layers = append(entry.Layers, name)
		if written[name] {
			continue
		}
		written[name] = true
		if err := writeBlob(ctx, w, name, content); err != nil {
			return fmt.Errorf("layer %s: %w", layer.DiffID, err)
		}
	}
	list, err := json.Marshal([]manifestEntry{entry})
	if err != nil {
		return err
	}
	if err := writeSmall(w, manifestName, list); err != nil {
		return err
	}
	return w.Close()
}

// manifestName is where an archive lists its images for `docker load`.
const manifestName = "manifest.json"

// eof is an empty reader.
type eof struct{}

// Read implements io.Reader.
func (eof) Read([]byte) (int, error) { return 0, io.EOF }

func sum(content []byte) (v1.Hash, error) {
	digest, _, err := v1.SHA256(bytes.NewReader(content))
	return digest, err
}

func writeSmall(w *tar.Writer, name string, content []byte) error {
	return tarfile.Add(w, tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}, content)
}

func writeBlob(ctx context.Context, w *tar.Writer, name string, content blob) error {
	reader, err := content.open()
	if err != nil {
		return err
	}
	defer reader.Close()
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: content.size}); err != nil {
		return err
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{w}, until.Reader(ctx, reader), make([]byte, 256<<10))
	if err == nil && n < content.size {
		err = fmt.Errorf("it ends after %d of %d bytes", n, content.size)
	}
	return err
}
