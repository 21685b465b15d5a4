package blob

import (
	"bufio"
	"context"
	"io"
	"runtime"
	"sync"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// spareParts are those that a feed has beyond two for each core: one that is decoded,
// and one that waits to be taken.
const spareParts = 2

// feedBlocks is how many blocks one feed may fill that nobody has released yet.
const feedBlocks = 12

// Feed hands out what a compressed stream decodes to, in blocks and in order.
//
// What was written here consists of parts, each of which decodes by itself to one
// block at most: zstd frames, and gzip members that say how long they are. They
// are decoded side by side, straight into the blocks in which they travel on.
// What follows them that is no such part, or everything of a stream that others
// wrote, is decoded as it comes, ahead of the reader of the blocks.
//
// It is not safe for concurrent use, and has to be closed.
type Feed struct {
	from *bufio.Reader
	form form
	pool *Memory
	// bound is that of all that is handed out, blame finds out what an error is due
	// to.
	bound *bounds.Archive
	blame func(error) error
	// keep keeps the parts; nil does not.
	keep *FrameKeeper
	// queue holds what is under way, in order; free what is not in use.
	queue, free chan *part
	cancel      context.CancelFunc
	reading     sync.WaitGroup // the goroutine that reads from
	err         error
	// block is the one that Read hands out, of which left is still to be read.
	block *Block
	left  []byte
}

// form is a kind of compression.
type form interface {
	// fetch reads the part that comes next into packed, and returns its bytes and
	// how many they decode to. If what comes next is no part that decodes to a
	// block, it returns no bytes and has read none.
	fetch(from *bufio.Reader, packed []byte) (part []byte, size int, err error)
	// decode decodes a part into raw, which is as long as fetch said. It is safe
	// for concurrent use.
	decode(part, raw []byte) error
	// rest decodes everything that is left.
	rest(from *bufio.Reader) (io.ReadCloser, error)
}

// part is a part on its way.
type part struct {
	packed []byte
	block  *Block
	size   int
	err    error
	done   chan struct{} // has room for one
	// content is the evidence of a part that is kept.
	content Evidence
	whole   bool // it is a part, and not a block of the rest
}

// NewFeed decodes a blob up to a bound, in the form that its first bytes announce:
// a layer's media type is not asked, because the lifecycle gives every layer the one
// for gzip. keep, if not nil, keeps the frames that it consists of. Bytes that are at
// fault give an error that wraps ErrCorrupt. When ctx ends, so does the feed.
func NewFeed(ctx context.Context, from *Reader, bound *bounds.Archive, keep *FrameKeeper) (*Feed, error) {
	return newFeed(ctx, from, from.blame, bound, keep)
}

func newFeed(ctx context.Context, from io.Reader, blame func(error) error, bound *bounds.Archive, keep *FrameKeeper) (*Feed, error) {
	buffered := bufio.NewReaderSize(from, 64<<10)
	form, err := formOf(buffered)
	if err != nil {
		return nil, blame(err)
	}
	workers := runtime.GOMAXPROCS(0)
	ctx, cancel := context.WithCancel(ctx)
	f := &Feed{
		from: buffered, form: form, pool: newMemory(feedBlocks, blockSize), keep: keep, bound: bound, blame: blame,
		cancel: cancel, free: make(chan *part, 2*workers+spareParts),
	}
	f.queue = make(chan *part, cap(f.free))
	for range cap(f.free) {
		f.free <- &part{done: make(chan struct{}, 1)}
	}
	f.reading.Go(func() {
		defer close(f.queue)
		if f.parts(ctx, workers) {
			f.rest(ctx)
		}
	})
	return f, nil
}

// parts reads parts and has them decoded, as long as there are some. It reports
// whether something may follow.
func (f *Feed) parts(ctx context.Context, workers int) bool {
	slots := make(chan struct{}, workers)
	for {
		next := f.begin(ctx)
		if next == nil {
			return false
		}
		var packed []byte
		packed, next.size, next.err = f.form.fetch(f.from, next.packed)
		if next.err != nil {
			next.done <- struct{}{}
			f.queue <- next
			return false
		}
		if packed == nil {
			next.block.Release()
			next.block = nil
			f.free <- next
			return true
		}
		next.packed, next.whole = packed, true
		f.keep.write(packed)
		f.queue <- next // it has room for every part there is
		slots <- struct{}{}
		go func() {
			raw := next.block.Data[:next.size]
			if next.err = f.form.decode(next.packed, raw); next.err == nil {
				next.content = f.keep.evidence(raw)
			}
			next.done <- struct{}{}
			<-slots
		}()
	}
}

// rest decodes what is left, block by block.
func (f *Feed) rest(ctx context.Context) {
	decoder, err := f.form.rest(f.from)
	if err == nil {
		defer decoder.Close()
	}
	for {
		next := f.begin(ctx)
		if next == nil {
			return
		}
		next.size, next.whole = 0, false
		if next.err = err; err == nil {
			next.size, next.err = io.ReadFull(decoder, next.block.Data)
		}
		if next.err == io.ErrUnexpectedEOF && next.size > 0 {
			next.err = nil // the last block, unless the next one says otherwise
		}
		ended := next.err != nil
		next.done <- struct{}{}
		f.queue <- next
		if ended {
			return
		}
	}
}

// begin waits for a part that is not in use and a block for it, nil if the feed
// is closed first.
func (f *Feed) begin(ctx context.Context) *part {
	select {
	case next := <-f.free:
		var err error
		if next.block, err = f.pool.get(ctx); err != nil {
			return nil
		}
		return next
	case <-ctx.Done():
		return nil
	}
}

// Next returns the next block, of which size bytes are content, and which the
// caller has to release. Once it has returned an error, io.EOF among them, nothing
// is read any more. When the context has ended, that is context.Canceled.
func (f *Feed) Next() (b *Block, size int, err error) {
	if f.err != nil {
		return nil, 0, f.err
	}
	one, ok := <-f.queue
	if !ok { // the end of the stream comes as the error of a part
		f.err = context.Canceled
		return nil, 0, f.err
	}
	<-one.done
	b, size, err = one.block, one.size, one.err
	if one.whole {
		f.keep.add(one.content, len(one.packed))
	} else if err != io.EOF {
		f.keep.fail()
	}
	one.block = nil
	f.free <- one
	if err == nil {
		if err = overBound(f.bound.Decoded(int64(size))); err == nil {
			return b, size, nil
		}
		f.Stop()
	} else if f.Stop(); err != io.EOF && err != context.Canceled {
		err = f.blame(err) // which looks at what the reading has left
	}
	b.Release()
	f.err = err
	return nil, 0, err
}

// Read implements io.Reader. It is used in place of Next, or not at all.
func (f *Feed) Read(p []byte) (int, error) {
	for len(f.left) == 0 {
		f.block.Release()
		f.block = nil
		b, size, err := f.Next()
		if err != nil {
			return 0, err
		}
		f.block, f.left = b, b.Data[:size]
	}
	n := copy(p, f.left)
	f.left = f.left[n:]
	return n, nil
}

// Entry counts an entry of the archive against the bound.
func (f *Feed) Entry(name string) error { return overBound(f.bound.Entry(name)) }

// Stop ends the reading and waits until it has ended.
func (f *Feed) Stop() {
	f.cancel()
	f.reading.Wait()
}

// Close ends the reading. Blocks that were handed out stay good.
func (f *Feed) Close() {
	f.Stop()
	f.block.Release()
	f.block, f.left = nil, nil
	for one := range f.queue {
		<-one.done
		one.block.Release()
	}
	if f.err == nil {
		f.err = context.Canceled
	}
}
