package layers

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"strconv"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// frameSize is how much of an archive is compressed by itself. Frames of 1 MiB
// cost three hundredths in size, and make both ends parallel.
const frameSize = 1 << 20

// press compresses archives with all cores: an archive is cut into frames that
// are compressed independently, and that any reader of the codec takes for one
// stream (RFC 8878, 3; RFC 1952, 2.2). All layers of a save share one press,
// which bounds memory and work. It is safe for concurrent use.
type press struct {
	codec Codec
	// level is that of gzip.
	level int
	zstd  *zstd.Encoder
	gzip  sync.Pool
	// free holds the frames that are not in use.
	free  chan *frame
	slots chan struct{}
}

// frame is a piece of an archive on its way.
type frame struct {
	raw []byte
	// packed and member are the memory of zstd and gzip.
	packed []byte
	member bytes.Buffer
	// out is what goes out: one of the above.
	out  []byte
	done chan struct{}
}

// newPress makes a press for a compression that has been checked.
func newPress(c Compression) (*press, error) {
	workers := runtime.GOMAXPROCS(0)
	p := &press{codec: c.codec(), level: c.gzipLevel(), free: make(chan *frame, 2*workers+4), slots: make(chan struct{}, workers)}
	for range cap(p.free) {
		p.free <- &frame{done: make(chan struct{}, 1)}
	}
	var err error
	switch p.codec {
	case Zstd:
		p.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(c.zstdLevel()),
			zstd.WithEncoderConcurrency(workers), zstd.WithWindowSize(frameSize), zstd.WithEncoderCRC(false))
	case Gzip:
		p.gzip.New = func() any {
			w, _ := gzip.NewWriterLevel(io.Discard, p.level) // the level has been checked
			return w
		}
	}
	return p, err
}

// sourceError is what went wrong with what is archived, as opposed to where the
// archive goes.
type sourceError struct{ error }

// Unwrap returns what went wrong.
func (e *sourceError) Unwrap() error { return e.error }

// pack is run for a blob that is to be stored: it returns the diffID and the
// annotations of the blob, too. With salt, the blob is another one each time.
func (p *press) pack(ctx context.Context, to io.Writer, salt bool, fill func(*frameWriter) error) (packed, error) {
	var out packed
	var err error
	var size int64
	counted := func(w *frameWriter) error {
		err := fill(w)
		size = w.written
		return err
	}
	if p.codec == Estargz {
		z := newStargz(to, p.level)
		out.archive, err = p.run(ctx, z, counted)
		out.diffID, out.annotations, err = z.finish(out.archive, size, err)
		return out, err
	}
	if out.archive, err = p.run(ctx, to, counted); err == nil && salt {
		err = p.codec.writeSalt(to)
	}
	out.diffID = out.archive
	out.annotations = map[string]string{sizeAnnotation: strconv.FormatInt(size, 10)}
	return out, err
}

// packed says what pack made.
type packed struct {
	// diffID is the digest of all that was compressed, archive that of the archive.
	diffID, archive string
	annotations     map[string]string
}

// run passes what fill writes through the press and into to, and returns the
// diffID. Without to, nothing is compressed. What fill returns comes back as a
// *sourceError. Everything that run started has ended when it returns.
func (p *press) run(ctx context.Context, to io.Writer, fill func(*frameWriter) error) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := make(chan *frame, cap(p.free))
	var fillErr error
	go func() {
		defer close(queue)
		w := &frameWriter{ctx: ctx, press: p, queue: queue, plain: to == nil}
		fillErr = errors.Join(fill(w), w.cut())
		w.drop()
	}()
	hash := newTarHash()
	var writeErr error
	for f := range queue {
		<-f.done
		hash.Write(f.raw)
		if to != nil && writeErr == nil {
			if _, writeErr = to.Write(f.out); writeErr != nil {
				cancel()
			}
		}
		p.free <- f
	}
	switch {
	case writeErr != nil:
		return "", writeErr
	case fillErr != nil && ctx.Err() == nil:
		return "", &sourceError{fillErr}
	case fillErr != nil:
		return "", ctx.Err()
	}
	return hashOf(hash).String(), nil
}

// squeeze compresses a frame.
func (p *press) squeeze(f *frame) {
	switch p.codec {
	case Zstd:
		f.packed = p.zstd.EncodeAll(f.raw, f.packed[:0])
		f.out = f.packed
	case Gzip:
		w := p.gzip.Get().(*gzip.Writer)
		f.member.Reset()
		w.Reset(&f.member)
		w.Extra = memberExtra
		w.Write(f.raw) // into memory, which does not fail
		w.Close()
		p.gzip.Put(w)
		sealMember(f.member.Bytes())
		f.out = f.member.Bytes()
	default:
		f.out = f.raw
	}
}

// frameWriter cuts an archive into frames.
type frameWriter struct {
	ctx   context.Context
	press *press
	queue chan<- *frame
	plain bool
	// kept may have frames that need not be compressed again.
	kept *keptFrames
	now  *frame
	// written counts the bytes of the archive.
	written int64
}

// fit begins a new frame if size bytes do not fit into the current one but
// would fit into a frame of their own.
func (w *frameWriter) fit(size int64) error {
	if w.now != nil && size <= frameSize && int64(len(w.now.raw))+size > frameSize {
		return w.cut()
	}
	return nil
}

// Write implements io.Writer.
func (w *frameWriter) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		space, err := w.space(len(p))
		if err != nil {
			return written, err
		}
		n := copy(space, p)
		w.now.raw = w.now.raw[:len(w.now.raw)+n]
		written += n
		w.written += int64(n)
		p = p[n:]
	}
	return written, nil
}

// fill reads exactly size bytes from a file.
func (w *frameWriter) fill(from io.Reader, size int64) error {
	for size > 0 {
		space, err := w.space(int(min(size, frameSize)))
		if err != nil {
			return err
		}
		n, err := io.ReadFull(from, space)
		w.now.raw = w.now.raw[:len(w.now.raw)+n]
		size -= int64(n)
		w.written += int64(n)
		if err != nil {
			return err
		}
	}
	return nil
}

// space returns up to size free bytes of the current frame, and at least one.
func (w *frameWriter) space(size int) ([]byte, error) {
	if w.now != nil && len(w.now.raw) == frameSize {
		if err := w.cut(); err != nil {
			return nil, err
		}
	}
	if w.now == nil {
		select {
		case w.now = <-w.press.free:
		case <-w.ctx.Done():
			return nil, w.ctx.Err()
		}
		if w.now.raw == nil {
			w.now.raw = make([]byte, 0, frameSize)
		}
		w.now.raw = w.now.raw[:0]
	}
	free := w.now.raw[len(w.now.raw):frameSize]
	return free[:min(size, len(free))], nil
}

// cut sends the current frame off.
func (w *frameWriter) cut() error {
	f := w.now
	if f == nil {
		return w.ctx.Err()
	}
	w.now = nil
	w.queue <- f // it has room for every frame there is
	if w.plain {
		f.done <- struct{}{}
		return w.ctx.Err()
	}
	w.press.slots <- struct{}{}
	go func() {
		var found bool
		if f.packed, found = w.kept.find(f.raw, f.packed); found {
			f.out = f.packed
		} else {
			w.press.squeeze(f)
		}
		f.done <- struct{}{}
		<-w.press.slots
	}()
	return w.ctx.Err()
}

// drop gives back a frame that was not sent.
func (w *frameWriter) drop() {
	if w.now != nil {
		w.press.free <- w.now
		w.now = nil
	}
}
