package phases

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/until"
)

const (
	// maxInline is how much of a blob comes in a message instead of a file.
	maxInline = 64 << 10
	// pieceSize is how much of a blob comes in one file.
	pieceSize = 16 << 20
)

// Open implements layers.Store. A blob comes in pieces, the next one while the
// one before it is read.
func (b *borrowed) Open(ctx context.Context, blob v1.Descriptor, offset, length int64) (io.ReadCloser, error) {
	if offset < 0 || length < -1 {
		return nil, fmt.Errorf("blob %s in %s: invalid range: offset %d, length %d", blob.Digest, b, offset, length)
	}
	end := blob.Size
	if length >= 0 && length < blob.Size-offset {
		end = offset + length
	}
	if end-offset <= maxInline {
		a, _, err := b.ask(ctx, loanQuestion{Do: loanRead, Blob: blobOf(blob), Offset: offset, Length: max(0, end-offset)})
		if err != nil {
			return nil, err
		}
		return io.NopCloser(until.Reader(ctx, bytes.NewReader(a.Data))), nil
	}
	inner, cancel := context.WithCancel(ctx)
	p := &pieces{store: b, ctx: inner, cancel: cancel, blob: blob, next: offset, end: end}
	p.order()
	if err := p.turn(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// pieces is a part of a blob that comes in pieces. It is not safe for concurrent
// use.
type pieces struct {
	store  *borrowed
	ctx    context.Context // of the Open that it came from
	cancel context.CancelFunc
	blob   v1.Descriptor
	// next is where the piece after those that were ordered begins.
	next, end int64
	// now is the piece that is read, ordered the one after it; nil for none.
	now     *os.File
	ordered chan piece
	failed  error
}

// piece is a file below the state, or why there is none.
type piece struct {
	path string
	err  error
}

// order asks for the next piece.
func (p *pieces) order() {
	if p.next == p.end {
		p.ordered = nil
		return
	}
	offset, length := p.next, min(pieceSize, p.end-p.next)
	p.next += length
	ordered := make(chan piece, 1)
	p.ordered = ordered
	go func() {
		path := newLoan()
		_, _, err := p.store.ask(p.ctx, loanQuestion{Do: loanFetch, Blob: blobOf(p.blob), Offset: offset, Length: length, File: path})
		ordered <- piece{filepath.Join(p.store.state, path), err}
	}()
}

// turn goes on to the piece that was ordered, and orders another one.
func (p *pieces) turn() error {
	var came piece
	select {
	case came = <-p.ordered:
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
	if came.err != nil {
		return came.err
	}
	file, err := os.Open(came.path)
	if err != nil {
		return err
	}
	p.now = file
	p.order()
	// It can be read as long as it is open.
	return os.Remove(came.path)
}

// Read implements io.Reader.
func (p *pieces) Read(buffer []byte) (int, error) {
	for {
		if err := p.ctx.Err(); err != nil {
			return 0, err
		}
		switch {
		case p.failed != nil:
			return 0, p.failed
		case p.now == nil && p.ordered == nil:
			return 0, io.EOF
		case p.now == nil:
			if p.failed = p.turn(); p.failed != nil {
				return 0, p.failed
			}
		}
		n, err := p.now.Read(buffer)
		if err != io.EOF {
			return n, err
		}
		if err := p.now.Close(); err != nil {
			return 0, err
		}
		p.now = nil
	}
}

// Close implements io.Closer. A piece on its way goes when the phase ends.
func (p *pieces) Close() error {
	p.cancel()
	if p.now == nil {
		return nil
	}
	return p.now.Close()
}
