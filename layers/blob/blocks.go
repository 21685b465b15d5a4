package blob

import (
	"context"
	"sync/atomic"
)

// blockSize is the size of the pieces in which the content of files travels.
const blockSize = 1 << 20

// blockMargin is memory behind a block that decoders may write to: it lets them
// copy in larger steps.
const blockMargin = 64

// Block is a piece of memory that several owners may share. It goes back to where
// it came from when the last owner releases it. Owners may be in different
// goroutines; Data is written before it is shared.
type Block struct {
	Data []byte
	from *Memory
	refs atomic.Int32
}

// Share adds an owner.
func (b *Block) Share() { b.refs.Add(1) }

// Release gives up one ownership. Nil is nothing to release.
func (b *Block) Release() {
	if b != nil && b.refs.Add(-1) == 0 {
		b.from.free <- b
	}
}

// Memory bounds how many blocks there are. It is safe for concurrent use.
type Memory struct {
	size int
	free chan *Block
	left atomic.Int32
}

func newMemory(blocks, size int) *Memory {
	p := &Memory{size: size, free: make(chan *Block, blocks)}
	p.left.Store(int32(blocks))
	return p
}

// try returns a block with one reference, nil if all are in use.
func (p *Memory) try() *Block {
	var b *Block
	select {
	case b = <-p.free:
	default:
		if p.left.Add(-1) < 0 {
			p.left.Add(1)
			return nil
		}
		b = &Block{Data: make([]byte, p.size, p.size+blockMargin), from: p}
	}
	b.refs.Store(1)
	return b
}

// available reports whether try would have returned a block.
func (p *Memory) available() bool { return len(p.free) > 0 || p.left.Load() > 0 }

// get returns a block with one reference, waiting for one if need be.
func (p *Memory) get(ctx context.Context) (*Block, error) {
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
