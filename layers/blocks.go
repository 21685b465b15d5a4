package layers

import (
	"context"
	"sync/atomic"
)

// blockSize is the size of the pieces in which the content of files travels.
const blockSize = 1 << 20

// blockMargin is memory behind a block that decoders may write to: it lets them
// copy in larger steps.
const blockMargin = 64

// block is a piece of memory that several owners may share. It goes back to its
// pool when nobody refers to it any more.
type block struct {
	data []byte
	refs atomic.Int32
}

// blockPool bounds how many blocks there are. It is safe for concurrent use.
type blockPool struct {
	size int
	free chan *block
	left atomic.Int32
}

func newBlockPool(blocks, size int) *blockPool {
	p := &blockPool{size: size, free: make(chan *block, blocks)}
	p.left.Store(int32(blocks))
	return p
}

// try returns a block with one reference, nil if all are in use.
func (p *blockPool) try() *block {
	var b *block
	select {
	case b = <-p.free:
	default:
		if p.left.Add(-1) < 0 {
			p.left.Add(1)
			return nil
		}
		b = &block{data: make([]byte, p.size, p.size+blockMargin)}
	}
	b.refs.Store(1)
	return b
}

// available reports whether try would have returned a block.
func (p *blockPool) available() bool { return len(p.free) > 0 || p.left.Load() > 0 }

// get returns a block with one reference, waiting for one if need be.
func (p *blockPool) get(ctx context.Context) (*block, error) {
	if b := p.try(); b != nil {
		return b, nil
	}
	select {
	case b := <-p.free:
		b.refs.Store(1)
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// release gives one reference back.
func (p *blockPool) release(b *block) {
	if b.refs.Add(-1) == 0 {
		p.free <- b
	}
}
