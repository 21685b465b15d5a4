package gha

import (
	"context"
	"crypto/sha256"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	// blockSize is how much of a blob is uploaded in one request.
	blockSize = 8 << 20
	// maxBlocks bounds the memory for uploads of a store, and maxPushes how many
	// there are at the same time: fewer than blocks, so that not every block can
	// be one that waits for content. What makes the content may be shared by all,
	// and would have to wait itself for those who wait for a block.
	maxBlocks = 12
	maxPushes = 8
	// parallel is how many blocks of one blob are uploaded at the same time.
	parallel = 4
)

// pool is memory for blocks. It is safe for concurrent use.
type pool struct {
	free  chan []byte
	slots chan struct{}
	turns chan struct{}
}

func newPool() *pool {
	return &pool{free: make(chan []byte, maxBlocks), slots: make(chan struct{}, maxBlocks), turns: make(chan struct{}, maxPushes)}
}

// enter waits for a push's turn, which leave ends.
func (p *pool) enter(ctx context.Context) error {
	select {
	case p.turns <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pool) leave() { <-p.turns }

// get returns blockSize bytes, and waits for them if it must.
func (p *pool) get(ctx context.Context) ([]byte, error) {
	select {
	case b := <-p.free:
		return b, nil
	default:
	}
	select {
	case b := <-p.free:
		return b, nil
	case p.slots <- struct{}{}:
		return make([]byte, blockSize), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pool) put(b []byte) { p.free <- b[:blockSize] }

// feed is the content of a push on its way, in blocks. It is read by a goroutine
// of its own, because a Read that is under way does not end with the context.
type feed struct {
	pool   *pool
	blocks chan feedBlock
	// done is closed when the source has been closed; what follows is set then.
	done   chan struct{}
	digest v1.Hash
	size   int64
	err    error
}

// feedBlock is a block, which its receiver puts back into the pool.
type feedBlock struct {
	data []byte
	// last says that nothing comes after it.
	last bool
}

// newFeed begins to read from, and will close it. A Read that is under way when
// ctx ends is not waited for.
func newFeed(ctx context.Context, from io.ReadCloser, pool *pool) *feed {
	f := &feed{pool: pool, blocks: make(chan feedBlock), done: make(chan struct{})}
	go func() {
		hash := sha256.New()
		f.err = f.pump(ctx, from, hash)
		if closed := from.Close(); f.err == nil {
			f.err = closed
		}
		f.digest = v1.Hash{Algorithm: "sha256", Hex: hexSum(hash)}
		close(f.done)
		close(f.blocks)
	}()
	return f
}

// pump sends blocks until the source ends. One byte is read beyond each, so that
// a block is known to be the last, and to need no other, when it is sent.
func (f *feed) pump(ctx context.Context, from io.Reader, hash hash.Hash) error {
	ahead := make([]byte, 0, 1)
	for {
		block, err := f.pool.get(ctx)
		if err != nil {
			return err
		}
		n := copy(block, ahead)
		more, err := fill(ctx, from, block[n:])
		n += more
		ahead = ahead[:0]
		if err == nil {
			if more, err = fill(ctx, from, ahead[:1]); more == 1 {
				ahead = ahead[:1]
			}
		}
		hash.Write(block[:n])
		f.size += int64(n)
		if err != nil && err != io.EOF {
			f.pool.put(block)
			return err
		}
		last := err == io.EOF && len(ahead) == 0
		select {
		case f.blocks <- feedBlock{block[:n], last}:
		case <-ctx.Done():
			f.pool.put(block)
			return ctx.Err()
		}
		if last {
			return nil
		}
	}
}

// fill reads until p is full, or from ends with an error, also io.EOF.
func fill(ctx context.Context, from io.Reader, p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		if err = ctx.Err(); err != nil {
			return n, err
		}
		var more int
		more, err = from.Read(p[n:])
		n += more
	}
	return n, err
}

// stop ends the feed and waits until the source has been closed, or ctx ends.
func (f *feed) stop(ctx context.Context, cancel context.CancelFunc) error {
	cancel()
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
