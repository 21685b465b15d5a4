package layers

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// A gzip stream that was written here is one of members that say how long they
// are, in an extra field of their header (RFC 1952, 2.3.1.1), so that they can be
// decoded side by side. Every other reader skips the field.
const (
	// memberHeader is the length of such a member's header, memberTrailer that
	// of its checksum and size.
	memberHeader, memberTrailer = 20, 8
	// maxMember bounds both the compressed and the raw size of a member.
	maxMember = 4 << 20
)

// memberExtra is the extra field, with room for the length of the member.
var memberExtra = []byte{'P', 'C', 4, 0, 0, 0, 0, 0}

// memberStart is how such a member begins: magic, deflate, "has an extra field".
var memberStart = []byte{0x1f, 0x8b, 8, 4}

// sealMember enters the length of a member that was written with memberExtra.
func sealMember(member []byte) {
	binary.LittleEndian.PutUint32(member[memberHeader-4:], uint32(len(member)))
}

// memberLength returns the length of a member that begins with header, and
// whether it says so.
func memberLength(header []byte) (int, bool) {
	if len(header) < memberHeader || !bytes.HasPrefix(header, memberStart) ||
		binary.LittleEndian.Uint16(header[10:]) != uint16(len(memberExtra)) || !bytes.Equal(header[12:16], memberExtra[:4]) {
		return 0, false
	}
	length := int(binary.LittleEndian.Uint32(header[16:]))
	return length, length >= memberHeader+memberTrailer && length <= maxMember
}

// newGzip undoes gzip: with all cores as long as members say how long they are.
func newGzip(from *bufio.Reader) (io.ReadCloser, error) {
	header, _ := from.Peek(memberHeader)
	if _, ok := memberLength(header); !ok {
		return gzip.NewReader(from)
	}
	m := &memberReader{from: from, stop: make(chan struct{})}
	m.start()
	return m, nil
}

// memberReader decodes members side by side, and hands them out in their order.
// What follows them that does not say how long it is, is decoded as it comes. It
// is not safe for concurrent use.
type memberReader struct {
	from *bufio.Reader
	// queue holds the members under way, in order.
	queue chan *member
	stop  chan struct{}
	once  sync.Once
	read  sync.WaitGroup // of the goroutine that reads from
	free  chan *member
	now   *member
	// rest decodes what does not say how long it is.
	rest io.ReadCloser
	err  error
}

// member is a member on its way.
type member struct {
	packed []byte
	raw    bytes.Buffer
	inner  bytes.Reader
	flate  io.ReadCloser
	err    error
	done   chan struct{}
}

func (m *memberReader) start() {
	workers := runtime.GOMAXPROCS(0)
	m.free = make(chan *member, 2*workers)
	m.queue = make(chan *member, cap(m.free))
	for range cap(m.free) {
		m.free <- &member{done: make(chan struct{}, 1)}
	}
	slots := make(chan struct{}, workers)
	m.read.Go(func() {
		defer close(m.queue)
		for {
			var next *member
			select {
			case next = <-m.free:
			case <-m.stop:
				return
			}
			if ok := next.fetch(m.from); !ok {
				return
			}
			m.queue <- next // it has room for every member there is
			if next.err != nil {
				next.done <- struct{}{}
				return
			}
			slots <- struct{}{}
			go func() {
				next.err = next.decode()
				next.done <- struct{}{}
				<-slots
			}()
		}
	})
}

// fetch reads a member, and returns false if there is none that says how long
// it is.
func (b *member) fetch(from *bufio.Reader) bool {
	header, err := from.Peek(memberHeader)
	length, ok := memberLength(header)
	if !ok {
		if err != nil && err != io.EOF {
			b.err = err
			return true
		}
		return false
	}
	if cap(b.packed) < length {
		b.packed = make([]byte, length)
	}
	b.packed = b.packed[:length]
	if _, b.err = io.ReadFull(from, b.packed); b.err == io.EOF {
		b.err = io.ErrUnexpectedEOF
	}
	return true
}

// decode inflates a member. Its checksum is not looked at, because everything
// has a sha256.
func (b *member) decode() error {
	b.inner.Reset(b.packed[memberHeader : len(b.packed)-memberTrailer])
	if b.flate == nil {
		b.flate = flate.NewReader(&b.inner)
	} else if err := b.flate.(flate.Resetter).Reset(&b.inner, nil); err != nil {
		return err
	}
	b.raw.Reset()
	n, err := io.Copy(&b.raw, io.LimitReader(b.flate, maxMember+1))
	switch {
	case err != nil:
		return fmt.Errorf("gzip: %w", err)
	case n > maxMember, b.inner.Len() > 0, uint32(n) != binary.LittleEndian.Uint32(b.packed[len(b.packed)-4:]):
		return errors.New("gzip: a member has another size than it says")
	}
	return nil
}

// Read implements io.Reader. Once it has returned an error or io.EOF, nothing is
// read any more.
func (m *memberReader) Read(p []byte) (int, error) {
	for m.err == nil {
		if m.rest != nil {
			return m.rest.Read(p)
		}
		if m.now != nil && m.now.raw.Len() > 0 {
			return m.now.raw.Read(p)
		}
		m.err = m.next()
	}
	return 0, m.err
}

// next waits for the next member, or begins with the rest.
func (m *memberReader) next() error {
	if m.now != nil {
		m.free <- m.now
		m.now = nil
	}
	next, ok := <-m.queue
	if ok {
		<-next.done
		if next.err != nil {
			m.halt()
			return next.err
		}
		m.now = next
		return nil
	}
	m.read.Wait()
	if _, err := m.from.Peek(1); err != nil {
		return err
	}
	rest, err := gzip.NewReader(m.from)
	if err != nil {
		return fmt.Errorf("gzip: %w", err)
	}
	m.rest = rest
	return nil
}

// halt ends the reading and waits until it has ended.
func (m *memberReader) halt() {
	m.once.Do(func() { close(m.stop) })
	m.read.Wait()
}

// Close implements io.Closer.
func (m *memberReader) Close() error {
	m.halt()
	if m.rest != nil {
		return m.rest.Close()
	}
	return nil
}
