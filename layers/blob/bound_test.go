package blob

import (
	"bytes"
	"io"
	"strconv"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// FuzzBomb changes what a blob announces and what it has.
func FuzzBomb(f *testing.F) {
	raw := text(5000)
	f.Add(framed(f, raw), int64(len(raw)))
	f.Add(squeezed(f, raw), int64(10))
	f.Add(single(f, raw), int64(-1))
	f.Fuzz(func(t *testing.T, data []byte, size int64) {
		if len(data) == 0 {
			return
		}
		bound, err := BoundOf(v1.Descriptor{Size: int64(len(data)), Annotations: map[string]string{sizeAnnotation: strconv.FormatInt(size, 10)}}, "")
		if err != nil {
			return
		}
		source := sourceFunc(func(_ v1.Descriptor, offset, _ int64) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(data[offset:])), nil
		})
		reader := Open(t.Context(), source, v1.Descriptor{Digest: DigestOf(data), Size: int64(len(data))}, nil)
		defer reader.Close()
		decoder, err := NewFeed(t.Context(), reader, bound, nil)
		if err != nil {
			return
		}
		defer decoder.Close()
		got, err := io.Copy(io.Discard, decoder)
		if size >= 0 && got > size {
			t.Errorf("%d bytes came out of %d, %v", got, size, err)
		}
	})
}
