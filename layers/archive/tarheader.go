package archive

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// headerReader reads the headers of an archive.
//
// Package archive/tar takes a third of the time in which the files themselves are
// made. So headers of the usual form are read here: plain ustar, and one extended
// header that says nothing but path, target and time (pax(1), "ustar Interchange
// Format"). All others are handed to archive/tar.
type headerReader struct {
	from *archiveReader
	// raw holds the blocks of one header.
	raw []byte
}

// maxExtended bounds the length of extended headers, as in archive/tar.
const maxExtended = 1 << 20

var errHeader = errors.New("invalid tar header")

// next reads the header of the next entry, whose content follows. At the end of
// the archive it returns io.EOF.
func (r *headerReader) next(h *tar.Header) error {
	r.raw = r.raw[:0]
	var plain bool
	for plain = true; ; {
		block, err := r.block()
		if err != nil {
			return err
		}
		switch block[156] {
		case tar.TypeXHeader:
			plain = plain && len(r.raw) == tarBlock
		case tar.TypeXGlobalHeader, tar.TypeGNULongName, tar.TypeGNULongLink:
			plain = false
		default:
			if plain && readHeader(r.raw, h) {
				return nil
			}
			return r.unusual(h)
		}
		size, ok := octal(block[124:136])
		if !ok || size > maxExtended || len(r.raw) > 4*maxExtended {
			return errHeader
		}
		padded := int(size+tarBlock-1) &^ (tarBlock - 1)
		if block[156] == tar.TypeXGlobalHeader {
			// It means nothing for a layer.
			r.raw = r.raw[:len(r.raw)-tarBlock]
			plain = len(r.raw) == 0
			if err := r.from.skip(int64(padded)); err != nil {
				return err
			}
			continue
		}
		if padded > 0 {
			content, err := r.from.read(padded)
			if err != nil {
				return ended(err)
			}
			r.raw = append(r.raw, content...)
		}
	}
}

// block appends the next block to raw and returns it. Two blocks of zeros, or one
// and nothing behind it, are the end of the archive.
func (r *headerReader) block() ([]byte, error) {
	for zeros := 0; ; zeros++ {
		block, err := r.from.read(tarBlock)
		switch {
		case err == io.EOF && len(r.raw) > 0:
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		case block[0] == 0 && bytes.Equal(block, zeroBlock[:]):
			switch {
			case len(r.raw) > 0:
				return nil, errHeader
			case zeros == 1:
				return nil, io.EOF
			}
			continue
		case zeros > 0:
			return nil, errHeader
		}
		at := len(r.raw)
		r.raw = append(r.raw, block...)
		return r.raw[at:], nil
	}
}

var zeroBlock [tarBlock]byte

// unusual has archive/tar read the header.
func (r *headerReader) unusual(h *tar.Header) error {
	got, err := tar.NewReader(bytes.NewReader(r.raw)).Next()
	if err != nil {
		return fmt.Errorf("%w: %w", errHeader, ended(err))
	}
	*h = *got
	return nil
}

// readHeader reads a header of the usual form, and reports whether it is one. h
// then has what archive/tar would say of it, in the fields that layers use.
func readHeader(raw []byte, h *tar.Header) bool {
	var records []byte
	if len(raw) > tarBlock {
		length, ok := readBlock(raw[:tarBlock], h)
		if !ok {
			return false
		}
		records = raw[tarBlock : tarBlock+length]
	}
	block := raw[len(raw)-tarBlock:]
	size, ok := readBlock(block, h)
	if !ok {
		return false
	}
	switch h.Typeflag {
	case tar.TypeReg:
	case tar.TypeDir, tar.TypeSymlink, tar.TypeLink:
		if size != 0 {
			return false
		}
	default:
		return false
	}
	if prefix := upToNUL(block[345:500]); prefix != "" {
		h.Name = prefix + "/" + h.Name
	}
	return readRecords(records, h)
}

// readBlock reads the fields of a block but for the prefix of the name, and returns
// the size of the content.
func readBlock(block []byte, h *tar.Header) (int64, bool) {
	if string(block[257:265]) != "ustar\x0000" || string(block[508:]) == "tar\x00" || !sumHolds(block) {
		return 0, false // the latter is star's, which has other fields
	}
	mode, ok1 := octal(block[100:108])
	uid, ok2 := octal(block[108:116])
	gid, ok3 := octal(block[116:124])
	size, ok4 := octal(block[124:136])
	mtime, ok5 := octal(block[136:148])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !isDevice(block[329:337]) || !isDevice(block[337:345]) {
		return 0, false
	}
	*h = tar.Header{
		Typeflag: block[156], Mode: mode, Uid: int(uid), Gid: int(gid), Size: size, ModTime: time.Unix(mtime, 0),
		Name: upToNUL(block[0:100]), Linkname: upToNUL(block[157:257]),
	}
	return size, true
}

// readRecords reads an extended header: records "LENGTH KEY=VALUE\n".
func readRecords(records []byte, h *tar.Header) bool {
	for len(records) > 0 {
		space := bytes.IndexByte(records[:min(len(records), 8)], ' ')
		if space < 1 {
			return false
		}
		length, ok := decimal(records[:space])
		if !ok || length > int64(len(records)) || int(length) < space+2 || records[length-1] != '\n' {
			return false
		}
		record := records[space+1 : length-1]
		records = records[length:]
		key, value, ok := bytes.Cut(record, []byte("="))
		if !ok || len(value) == 0 || bytes.IndexByte(value, 0) >= 0 {
			return false
		}
		switch string(key) {
		case "path":
			h.Name = string(value)
		case "linkpath":
			h.Linkname = string(value)
		case "mtime":
			if h.ModTime, ok = pointInTime(value); !ok {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// pointInTime reads seconds since 1970 with up to nine decimals.
func pointInTime(value []byte) (time.Time, bool) {
	whole, fraction, _ := bytes.Cut(value, []byte("."))
	seconds, ok := decimal(whole)
	if !ok || len(fraction) > 9 {
		return time.Time{}, false
	}
	nanoseconds := int64(0)
	if len(fraction) > 0 {
		if nanoseconds, ok = decimal(fraction); !ok {
			return time.Time{}, false
		}
		for range 9 - len(fraction) {
			nanoseconds *= 10
		}
	}
	return time.Unix(seconds, nanoseconds), true
}

// decimal reads digits, and nothing else.
func decimal(digits []byte) (int64, bool) {
	if len(digits) == 0 || len(digits) > 18 {
		return 0, false
	}
	n := int64(0)
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false
		}
		n = 10*n + int64(d-'0')
	}
	return n, true
}

// octal reads a field of octal digits with a NUL or a space behind them.
func octal(field []byte) (int64, bool) {
	n := int64(0)
	for i, d := range field {
		switch {
		case d >= '0' && d <= '7':
			n = n<<3 | int64(d-'0')
		case (d == 0 || d == ' ') && i > 0 && i == len(field)-1:
			return n, true
		default:
			return 0, false
		}
	}
	return 0, false
}

// isDevice reports whether a field has the number of a device, which means nothing
// here, or is empty.
func isDevice(field []byte) bool {
	_, ok := octal(field)
	return ok || bytes.Equal(field, zeroBlock[:len(field)])
}

// upToNUL is the text in a field.
func upToNUL(field []byte) string {
	if end := bytes.IndexByte(field, 0); end >= 0 {
		field = field[:end]
	}
	return string(field)
}

// sumHolds checks the checksum of a block: the sum of its bytes, those of the
// checksum itself counted as spaces.
func sumHolds(block []byte) bool {
	var want int64
	field := block[148:156] // six digits, NUL, space
	for _, d := range field[:6] {
		if d < '0' || d > '7' {
			return false
		}
		want = want<<3 | int64(d-'0')
	}
	if field[6] != 0 || field[7] != ' ' {
		return false
	}
	const low = 0x00ff00ff00ff00ff
	var sums uint64 // four sums of 16 bits, which 64 times two bytes do not exceed
	for i := 0; i < tarBlock; i += 8 {
		word := binary.LittleEndian.Uint64(block[i:])
		sums += word&low + word>>8&low
	}
	got := int64(sums&0xffff + sums>>16&0xffff + sums>>32&0xffff + sums>>48)
	for _, d := range field {
		got += ' ' - int64(d)
	}
	return got == want
}
