package blob

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
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

// gzipForm is gzip. A member that says how long it is, and that it decodes to a
// block at most, is a part.
type gzipForm struct{ inflaters sync.Pool }

var _ form = (*gzipForm)(nil)

// inflater inflates one member after the other.
type inflater struct {
	from  bytes.Reader
	flate io.ReadCloser
}

func (g *gzipForm) fetch(from *bufio.Reader, packed []byte) ([]byte, int, error) {
	header, err := from.Peek(memberHeader)
	length, ok := memberLength(header)
	if !ok {
		if err == io.EOF {
			err = nil
		}
		return nil, 0, err
	}
	if packed, err = readOn(from, packed[:0], length); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, 0, err
	}
	size := binary.LittleEndian.Uint32(packed[length-4:])
	if size > blockSize {
		return nil, 0, errors.New("gzip: a member is larger than those that say how long they are")
	}
	return packed, int(size), nil
}

// decode inflates a member. Its checksum is not looked at, because everything
// has a sha256.
func (g *gzipForm) decode(part, raw []byte) error {
	i, _ := g.inflaters.Get().(*inflater)
	if i == nil {
		i = &inflater{}
		i.flate = flate.NewReader(&i.from)
	}
	defer g.inflaters.Put(i)
	i.from.Reset(part[memberHeader : len(part)-memberTrailer])
	if err := i.flate.(flate.Resetter).Reset(&i.from, nil); err != nil {
		return fmt.Errorf("gzip: %w", err)
	}
	_, err := io.ReadFull(i.flate, raw)
	var more [1]byte
	if err == nil {
		_, err = io.ReadFull(i.flate, more[:])
	}
	switch {
	case err == io.ErrUnexpectedEOF, err == nil, i.from.Len() > 0:
		return errors.New("gzip: a member has another size than it says")
	case err != io.EOF:
		return fmt.Errorf("gzip: %w", err)
	}
	return nil
}

func (g *gzipForm) rest(from *bufio.Reader) (io.ReadCloser, error) {
	if _, err := from.Peek(1); err != nil {
		return nil, err
	}
	rest, err := gzip.NewReader(from)
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	return rest, nil
}
