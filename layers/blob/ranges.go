package blob

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Ranges pay where a connection is slower than the link, and cost a little
// where it is not. So a blob is read through one connection first, and through
// more as long as that raises the rate and the reader waits for bytes at all.
const (
	rangeSize = 4 << 20
	// maxConnections for one blob.
	maxConnections = 8
	// maxRanges bounds the memory for ranges of all blobs of a snapshot that
	// are read at the same time: 56 MiB.
	maxRanges = 14
	// minWindow is how long at least a rate is measured.
	minWindow = 200 * time.Millisecond
)

// rangeReader reads a blob from its beginning to its end. It is not safe for
// concurrent use.
type rangeReader struct {
	ctx    context.Context
	cancel context.CancelFunc
	source Source
	blob   v1.Descriptor
	// memory is for ranges; nil keeps to one connection.
	memory *Memory

	// single is what is read first: everything, until ranges begin. It is nil
	// while ranges are in use.
	single *stream
	// ranges are under way or done, in order; next is where the one after them
	// begins.
	ranges []*rangeRead
	next   int64

	fetching sync.WaitGroup
	wake     chan struct{}
	running  int
	gauge    gauge
}

// rangeRead is a range under way.
type rangeRead struct {
	block *Block
	data  []byte // what is left to be handed out, once done
	err   error
	done  chan struct{}
}

// NewMemory returns the memory for all blobs that are read side by side in ranges.
func NewMemory() *Memory { return newMemory(maxRanges, rangeSize) }

// openRanges returns a reader of the whole blob. Nothing is verified but its size.
func openRanges(ctx context.Context, source Source, blob v1.Descriptor, memory *Memory) *rangeReader {
	ctx, cancel := context.WithCancel(ctx)
	r := &rangeReader{
		ctx: ctx, cancel: cancel, source: source, blob: blob, memory: memory,
		wake: make(chan struct{}, maxRanges), next: blob.Size,
	}
	r.single = r.part(0, blob.Size)
	r.gauge.connections = 1
	r.gauge.start()
	return r
}

func (r *rangeReader) part(from, to int64) *stream {
	return newStream(r.ctx, r.source, r.blob, from, to)
}

// Read implements io.Reader.
func (r *rangeReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if r.memory != nil {
			r.adapt()
			r.fetch()
		}
		n, err := r.take(p)
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// take returns bytes that are next in order, waiting for them if it must.
func (r *rangeReader) take(p []byte) (int, error) {
	if r.single != nil {
		began := time.Now()
		n, err := r.single.Read(p)
		r.gauge.waited += time.Since(began)
		r.gauge.arrived.Add(int64(n))
		if err != io.EOF {
			return n, err
		}
		r.single.Close()
		r.single = nil
	}
	if len(r.ranges) == 0 {
		return 0, r.rest()
	}
	head := r.ranges[0]
	if !r.await(head) {
		return 0, r.ctx.Err()
	}
	n := copy(p, head.data)
	head.data = head.data[n:]
	if len(head.data) > 0 {
		return n, nil
	}
	r.ranges = r.ranges[1:]
	head.block.Release()
	return n, head.err
}

// rest goes back to one connection for what no range covers.
func (r *rangeReader) rest() error {
	if r.next == r.blob.Size {
		return io.EOF
	}
	r.single = r.part(r.next, r.blob.Size)
	r.next = r.blob.Size
	return nil
}

// await waits for a range, and begins others meanwhile.
func (r *rangeReader) await(head *rangeRead) bool {
	began := time.Now()
	defer func() { r.gauge.waited += time.Since(began) }()
	for {
		select {
		case <-head.done:
			return true
		case <-r.wake:
			r.fetch()
		case <-r.ctx.Done():
			<-head.done
			return false
		}
	}
}

// adapt begins to use ranges once that is worth while.
func (r *rangeReader) adapt() {
	r.gauge.conclude()
	if r.single == nil || r.single.End < r.blob.Size || r.gauge.connections == 1 {
		return
	}
	// The connection in use reads on to where the ranges begin.
	begin := r.single.Offset + rangeSize
	if begin+rangeSize < r.blob.Size && r.memory.available() {
		r.single.End, r.next = begin, begin
	}
}

// fetch begins ranges while there are connections and memory for them.
func (r *rangeReader) fetch() {
	for r.running = r.countRunning(); r.mayFetch(); r.running++ {
		block := r.memory.try()
		if block == nil {
			return
		}
		size := min(rangeSize, r.blob.Size-r.next)
		one := &rangeRead{block: block, done: make(chan struct{})}
		r.ranges = append(r.ranges, one)
		part := r.part(r.next, r.next+size)
		r.next += size
		r.fetching.Go(func() {
			defer part.Close()
			one.read(part, size, &r.gauge.arrived)
			close(one.done)
			select {
			case r.wake <- struct{}{}:
			default:
			}
		})
	}
}

func (r *rangeReader) mayFetch() bool {
	connections := r.gauge.connections
	if r.single != nil {
		connections--
	}
	return r.gauge.connections > 1 && r.next < r.blob.Size && r.running < connections && len(r.ranges) < connections+2
}

func (r *rangeReader) countRunning() int {
	n := 0
	for _, one := range r.ranges {
		select {
		case <-one.done:
		default:
			n++
		}
	}
	return n
}

func (r *rangeRead) read(part *stream, size int64, arrived *atomic.Int64) {
	data := r.block.Data[:size]
	for int64(len(r.data)) < size {
		n, err := part.Read(data[len(r.data):])
		r.data = data[:len(r.data)+n]
		arrived.Add(int64(n))
		if err != nil {
			r.err = err
			return
		}
	}
}

// Close implements io.Closer. It ends every connection.
func (r *rangeReader) Close() error {
	r.cancel()
	r.fetching.Wait()
	for _, one := range r.ranges {
		one.block.Release()
	}
	r.ranges = nil
	if r.single != nil {
		return r.single.Close()
	}
	return nil
}
