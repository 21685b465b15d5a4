package blob

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"runtime"
	"strconv"
)

// frameSize is how much of an archive is compressed by itself. Frames of 1 MiB
// cost three hundredths in size, and make both ends parallel.
const frameSize = 1 << 20

// Press compresses archives with all cores: an archive is cut into frames that
// are compressed independently, and that any reader of the codec takes for one
// stream (RFC 8878, 3; RFC 1952, 2.2). All layers of a save share one press,
// which bounds memory and work. It is safe for concurrent use.
type Press struct {
	codec Codec
	// level is that of eStargz.
	level int
	// compressor is nil where frames stay as they are.
	compressor
	// free holds the frames that are not in use.
	free  chan *frame
	slots chan struct{}
}

// frame is a piece of an archive on its way.
type frame struct {
	raw []byte
	// packed is the memory for what is compressed, out what goes out: raw or packed.
	packed, out []byte
	done        chan struct{}
}

// spareFrames are those that a press has beyond two for each core: one that is
// compressed, and one that waits for its turn to be written.
const spareFrames = 4

// NewPress makes a press for a compression that has been checked.
func NewPress(c Compression) (*Press, error) {
	workers := runtime.GOMAXPROCS(0)
	p := &Press{
		codec: c.codec(), level: c.gzipLevel(),
		free: make(chan *frame, 2*workers+spareFrames), slots: make(chan struct{}, workers),
	}
	for range cap(p.free) {
		p.free <- &frame{done: make(chan struct{}, 1)}
	}
	var err error
	if compressor := formats[p.codec].compressor; compressor != nil {
		p.compressor, err = compressor(c)
	}
	return p, err
}

// SourceError is what went wrong with what is archived or read, as opposed to where
// it goes.
type SourceError struct{ Err error }

// Error implements error.
func (e *SourceError) Error() string { return e.Err.Error() }

// Unwrap returns what went wrong.
func (e *SourceError) Unwrap() error { return e.Err }

// Codec is what the press makes.
func (p *Press) Codec() Codec { return p.codec }

// Content is what a blob is to be made of.
type Content struct {
	// Fill writes the archive. It may be called several times.
	Fill func(*Writer) error
	// Salt makes the blob another one each time. A store has one blob for a digest,
	// and most stores keep the one they have; so a layer whose blob is damaged there
	// is stored as another one with the same archive, behind which there is a frame
	// that decodes to nothing.
	Salt bool
	// Kept may have frames that need not be compressed again.
	Kept *KeptFrames
}

// Packed says what Pack made.
type Packed struct {
	// DiffID is the digest of all that was compressed, Archive that of the archive.
	DiffID, Archive string
	// Annotations are for the blob's descriptor.
	Annotations map[string]string
}

// Pack writes a blob. What Fill returns comes back as a *SourceError.
func (p *Press) Pack(ctx context.Context, to io.Writer, content Content) (Packed, error) {
	if p.codec == Estargz {
		z := newStargz(to, p.level)
		archive, size, err := p.run(ctx, z, content)
		out := Packed{Archive: archive}
		out.DiffID, out.Annotations, err = z.finish(archive, size, err)
		return out, err
	}
	archive, size, err := p.run(ctx, to, content)
	if err == nil && content.Salt {
		err = formats[p.codec].salt(to, rand.Text())
	}
	return Packed{archive, archive, map[string]string{sizeAnnotation: strconv.FormatInt(size, 10)}}, err
}

// Digest returns the digest of the archive that fill writes, and compresses nothing.
// What fill returns comes back as a *SourceError.
func (p *Press) Digest(ctx context.Context, fill func(*Writer) error) (string, error) {
	digest, _, err := p.run(ctx, nil, Content{Fill: fill})
	return digest, err
}

// run passes an archive through the press and into to, and returns its digest and
// size. Without to, nothing is compressed. Everything that run started has ended
// when it returns.
func (p *Press) run(ctx context.Context, to io.Writer, content Content) (digest string, size int64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := make(chan *frame, cap(p.free))
	var fillErr error
	go func() {
		defer close(queue)
		w := &Writer{ctx: ctx, press: p, queue: queue, plain: to == nil, kept: content.Kept}
		fillErr = errors.Join(content.Fill(w), w.cut())
		w.drop()
	}()
	hash := sha256.New()
	var writeErr error
	for f := range queue {
		<-f.done
		hash.Write(f.raw)
		size += int64(len(f.raw))
		if to != nil && writeErr == nil {
			if _, writeErr = to.Write(f.out); writeErr != nil {
				cancel()
			}
		}
		p.free <- f
	}
	switch {
	case writeErr != nil:
		return "", 0, writeErr
	case fillErr != nil && ctx.Err() == nil:
		return "", 0, &SourceError{fillErr}
	case fillErr != nil:
		return "", 0, ctx.Err()
	}
	return HashOf(hash).String(), size, nil
}

// Salts reports whether Content can have a salt.
func (p *Press) Salts() bool { return formats[p.codec].salt != nil }

// squeeze compresses a frame, unless it is among those that were kept.
func (p *Press) squeeze(f *frame, kept *KeptFrames) {
	f.out = f.raw
	if p.compressor == nil {
		return
	}
	var found bool
	if f.packed, found = kept.Find(f.raw, f.packed); !found {
		f.packed = p.compress(f.raw, f.packed)
	}
	f.out = f.packed
}

// Writer cuts an archive into frames.
type Writer struct {
	ctx   context.Context
	press *Press
	queue chan<- *frame
	plain bool
	// kept may have frames that need not be compressed again.
	kept *KeptFrames
	now  *frame
}

// Fit begins a new frame if size bytes do not fit into the current one but
// would fit into an empty one.
func (w *Writer) Fit(size int64) error {
	if w.now != nil && size <= frameSize && int64(len(w.now.raw))+size > frameSize {
		return w.cut()
	}
	return nil
}

// Write implements io.Writer.
func (w *Writer) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		space, err := w.space(len(p))
		if err != nil {
			return written, err
		}
		n := copy(space, p)
		w.now.raw = w.now.raw[:len(w.now.raw)+n]
		written += n
		p = p[n:]
	}
	return written, nil
}

// Fill reads exactly size bytes from a file.
func (w *Writer) Fill(from io.Reader, size int64) error {
	for size > 0 {
		space, err := w.space(int(min(size, frameSize)))
		if err != nil {
			return err
		}
		n, err := io.ReadFull(from, space)
		w.now.raw = w.now.raw[:len(w.now.raw)+n]
		size -= int64(n)
		if err != nil {
			return err
		}
	}
	return nil
}

// space returns up to size free bytes of the current frame, and at least one.
func (w *Writer) space(size int) ([]byte, error) {
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
func (w *Writer) cut() error {
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
		w.press.squeeze(f, w.kept)
		f.done <- struct{}{}
		<-w.press.slots
	}()
	return w.ctx.Err()
}

// drop gives back a frame that was not sent.
func (w *Writer) drop() {
	if w.now != nil {
		w.press.free <- w.now
		w.now = nil
	}
}
