package rootfs

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
)

// Store keeps finished layers in a directory: blobs by their digest, and for
// each key which layer it stands for. Several processes may use one directory.
type Store struct{ Dir string }

// record is what is known of a layer without reading it.
type record struct {
	Digest v1.Hash `json:"digest"`
	DiffID v1.Hash `json:"diffID"`
	Size   int64   `json:"size"`
}

// Layer returns the layer that key stands for. Only if the store does not have
// it is fill called and its result written. key must name everything that the
// content depends on. The spool lives until the layer is written. Of several
// callers who want the same layer, in whatever processes, one makes it and the
// others wait.
func (s Store) Layer(ctx context.Context, key string, fill func(*FS, *Spool) error) (v1.Layer, error) {
	sum := sha256.Sum256([]byte(key))
	index := filepath.Join(s.Dir, "layers", hex.EncodeToString(sum[:])+".json")
	if l, err := s.load(index); err == nil {
		return l, nil
	}
	unlock, err := Lock(ctx, index+".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	if l, err := s.load(index); err == nil {
		return l, nil
	}
	spool, err := NewSpool(s.Dir)
	if err != nil {
		return nil, err
	}
	defer spool.Close()
	content := New()
	if err := fill(content, spool); err != nil {
		return nil, err
	}
	rec, err := s.save(content)
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(rec)
	if err != nil {
		return nil, err
	}
	if err := WriteFile(index, raw); err != nil {
		return nil, err
	}
	return s.load(index)
}

// Add writes the layer of an FS, which should be small: unlike Layer, it has to
// write the content to find out whether the store has it.
func (s Store) Add(content *FS) (v1.Layer, error) {
	rec, err := s.save(content)
	if err != nil {
		return nil, err
	}
	return &layer{record: rec, path: s.blob(rec.Digest)}, nil
}

// load opens a layer by its record, if the blob is there in full length.
func (s Store) load(index string) (v1.Layer, error) {
	raw, err := os.ReadFile(index)
	if err != nil {
		return nil, err
	}
	var rec record
	if err := json.Unmarshal(raw, &rec); err != nil {
		return nil, err
	}
	l := &layer{record: rec, path: s.blob(rec.Digest)}
	info, err := os.Stat(l.path)
	if err != nil {
		return nil, err
	}
	if info.Size() != rec.Size {
		return nil, fmt.Errorf("layer %s has %d bytes instead of %d", rec.Digest, info.Size(), rec.Size)
	}
	return l, nil
}

func (s Store) blob(digest v1.Hash) string {
	return filepath.Join(s.Dir, "blobs", digest.Algorithm, digest.Hex)
}

// save compresses an FS into a blob.
func (s Store) save(content *FS) (record, error) {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return record{}, err
	}
	tmp, err := os.CreateTemp(s.Dir, "layer-*")
	if err != nil {
		return record{}, err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	rec, err := compress(tmp, content)
	if err != nil {
		return record{}, err
	}
	if err := tmp.Close(); err != nil {
		return record{}, err
	}
	blob := s.blob(rec.Digest)
	if err := os.MkdirAll(filepath.Dir(blob), 0o755); err != nil {
		return record{}, err
	}
	if err := os.Chmod(tmp.Name(), 0o644); err != nil {
		return record{}, err
	}
	return rec, os.Rename(tmp.Name(), blob)
}

func compress(w io.Writer, content *FS) (record, error) {
	compressed, plain := &counted{hash: sha256.New()}, &counted{hash: sha256.New()}
	buffered := bufio.NewWriterSize(io.MultiWriter(w, compressed), 1<<20)
	// Speed before size: what is gained in bytes here travels over loopback.
	zw, err := gzip.NewWriterLevel(buffered, gzip.BestSpeed)
	if err != nil {
		return record{}, err
	}
	if err := content.Write(io.MultiWriter(zw, plain)); err != nil {
		return record{}, err
	}
	if err := zw.Close(); err != nil {
		return record{}, err
	}
	if err := buffered.Flush(); err != nil {
		return record{}, err
	}
	return record{Digest: compressed.digest(), DiffID: plain.digest(), Size: compressed.size}, nil
}

type counted struct {
	hash hash.Hash
	size int64
}

func (c *counted) Write(p []byte) (int, error) {
	c.size += int64(len(p))
	return c.hash.Write(p)
}

func (c *counted) digest() v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(c.hash.Sum(nil))}
}

// layer is a stored layer. It implements v1.Layer without reading its blob
// until the content is asked for.
type layer struct {
	record
	path string
}

var _ v1.Layer = (*layer)(nil)

func (l *layer) Digest() (v1.Hash, error)             { return l.record.Digest, nil }
func (l *layer) DiffID() (v1.Hash, error)             { return l.record.DiffID, nil }
func (l *layer) Size() (int64, error)                 { return l.record.Size, nil }
func (l *layer) MediaType() (types.MediaType, error)  { return types.OCILayer, nil }
func (l *layer) Compressed() (io.ReadCloser, error)   { return os.Open(l.path) }
func (l *layer) Uncompressed() (io.ReadCloser, error) { return openGzip(l.path) }
