package unpack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"

	"github.com/pack-cache/pack-cache/internal/progress"
)

// fakeLayer is a layer whose claims about itself need not be true.
type fakeLayer struct {
	blob           []byte
	digest, diffID v1.Hash
	size           int64
	mediaType      types.MediaType
	open           func() (io.ReadCloser, error) // instead of blob
}

func (l *fakeLayer) Digest() (v1.Hash, error)             { return l.digest, nil }
func (l *fakeLayer) DiffID() (v1.Hash, error)             { return l.diffID, nil }
func (l *fakeLayer) Size() (int64, error)                 { return l.size, nil }
func (l *fakeLayer) MediaType() (types.MediaType, error)  { return l.mediaType, nil }
func (l *fakeLayer) Uncompressed() (io.ReadCloser, error) { panic("the store decompresses itself") }
func (l *fakeLayer) Compressed() (io.ReadCloser, error) {
	if l.open != nil {
		return l.open()
	}
	return io.NopCloser(bytes.NewReader(l.blob)), nil
}

// fakeImage is an image of which only the layers are ever asked for.
type fakeImage struct {
	v1.Image
	layers []v1.Layer
}

func (i *fakeImage) Layers() ([]v1.Layer, error) { return i.layers, nil }

func image(layers ...*fakeLayer) *fakeImage {
	img := &fakeImage{}
	for _, l := range layers {
		img.layers = append(img.layers, l)
	}
	return img
}

func hashOf(b []byte) v1.Hash {
	sum := sha256.Sum256(b)
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
}

// newLayer returns an honest layer that stores the archive by way of encode.
func newLayer(archive []byte, encode func([]byte) []byte) *fakeLayer {
	blob := encode(archive)
	return &fakeLayer{
		blob: blob, digest: hashOf(blob), diffID: hashOf(archive),
		size: int64(len(blob)), mediaType: types.OCILayer,
	}
}

func gzipped(b []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	w.Write(b)
	w.Close()
	return buf.Bytes()
}

func zstandard(b []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(b, nil)
}

func plain(b []byte) []byte { return b }

// entry is one entry of a hand-made archive; Size and Typeflag follow from the
// content unless they are set.
type entry struct {
	tar.Header
	content string
}

var day = time.Date(2024, 2, 29, 12, 30, 15, 123456789, time.UTC)

func file(name, content string) entry {
	return entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, ModTime: day}, content}
}

func dir(name string) entry {
	return entry{tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755, ModTime: day}, ""}
}

func symlink(name, target string) entry {
	return entry{tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, ModTime: day}, ""}
}

func hardlink(name, target string) entry {
	return entry{tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: target, ModTime: day}, ""}
}

func typed(kind byte, name string, major, minor int64) entry {
	return entry{tar.Header{Typeflag: kind, Name: name, Mode: 0o640, ModTime: day, Devmajor: major, Devminor: minor}, ""}
}

// with changes an entry.
func (e entry) with(change func(*tar.Header)) entry {
	change(&e.Header)
	return e
}

func gnu(h *tar.Header)                    { h.Format, h.ModTime = tar.FormatGNU, h.ModTime.Truncate(time.Second) }
func mode(m int64) func(*tar.Header)       { return func(h *tar.Header) { h.Mode = m } }
func owner(uid, gid int) func(*tar.Header) { return func(h *tar.Header) { h.Uid, h.Gid = uid, gid } }
func xattr(name, value string) func(*tar.Header) {
	return func(h *tar.Header) {
		if h.PAXRecords == nil {
			h.PAXRecords = map[string]string{}
		}
		h.PAXRecords[xattrPrefix+name] = value
	}
}

// pax writes entries as they are, in the PAX format unless they say otherwise.
func pax(t testing.TB, entries ...entry) []byte {
	t.Helper()
	b, err := tarOf(entries...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func tarOf(entries ...entry) ([]byte, error) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range entries {
		hdr := e.Header
		if hdr.Format == tar.FormatUnknown {
			hdr.Format = tar.FormatPAX
		}
		hdr.Size = int64(len(e.content))
		if err := w.WriteHeader(&hdr); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name, err)
		}
		if _, err := io.WriteString(w, e.content); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	err := w.Close()
	return buf.Bytes(), err
}

// fakeReporter keeps messages.
type fakeReporter struct {
	progress.Reporter
	mu          sync.Mutex
	info, debug []string
}

func newReporter() *fakeReporter { return &fakeReporter{Reporter: progress.Discard} }

func (r *fakeReporter) Info(message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.info = append(r.info, message)
}

func (r *fakeReporter) Debug(message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.debug = append(r.debug, message)
}

func (r *fakeReporter) infos() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.info)
}

// openStore opens a store that does not wait between attempts.
func openStore(t testing.TB, dir string, opts Options) *Store {
	t.Helper()
	s, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	s.rule.First = time.Millisecond
	t.Cleanup(func() { s.Close() })
	return s
}
