package blob

import (
	"bytes"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// gzipCompressor makes gzip members that say how long they are.
type gzipCompressor struct{ writers sync.Pool }

func newGzipCompressor(c Compression) (compressor, error) {
	g := &gzipCompressor{}
	g.writers.New = func() any {
		w, _ := gzip.NewWriterLevel(io.Discard, c.gzipLevel()) // the level has been checked
		return w
	}
	return g, nil
}

func (g *gzipCompressor) compress(raw, packed []byte) []byte {
	member := bytes.NewBuffer(packed[:0])
	w := g.writers.Get().(*gzip.Writer)
	defer g.writers.Put(w)
	w.Reset(member)
	w.Extra = memberExtra
	_, _ = w.Write(raw) // into memory, which does not fail
	w.Close()
	sealMember(member.Bytes())
	return member.Bytes()
}

func (c Compression) gzipLevel() int {
	if c.Level == nil {
		return gzip.BestSpeed
	}
	return *c.Level
}

func saltGzip(to io.Writer, text string) error {
	member := gzip.NewWriter(to)
	member.Comment = text
	return member.Close()
}
