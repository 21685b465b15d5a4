package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/pack-cache/pack-cache/internal/posix"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// fingerprintMagic begins a fingerprint's file. It changes with the format.
const fingerprintMagic = "pack-cache fingerprint 2\n"

// How many bytes something takes at least: a byte for each number and each text.
const (
	smallestParent = 4
	smallestRecord = 9
	smallestFrame  = 1 + len(blob.Evidence{})
)

var errNoFingerprint = errors.New("not a fingerprint")

// Encode writes the fingerprint as variable-length integers and strings with
// their lengths, followed by the sha256 of it all.
func (f *Fingerprint) Encode() []byte {
	e := &encoder{data: make([]byte, 0, 1024+160*len(f.records))}
	e.data = append(e.data, fingerprintMagic...)
	e.text(f.Dir)
	e.text(f.DiffID)
	e.text(f.Origin)
	e.flag(f.normalized)
	e.flag(f.uniform)
	e.number(int64(f.uid))
	e.number(int64(f.gid))
	e.number(int64(len(f.parents)))
	for _, p := range f.parents {
		e.text(p.name)
		e.number(int64(p.mode))
		e.number(int64(p.uid))
		e.number(int64(p.gid))
	}
	e.data = append(e.data, f.Key[:]...)
	e.number(int64(len(f.records)))
	for i := range f.records {
		e.record(&f.records[i])
	}
	e.number(int64(len(f.Frames)))
	for _, frame := range f.Frames {
		e.data = append(e.data, frame.Content[:]...)
		e.number(int64(frame.Length))
	}
	return sealFingerprint(e.data)
}

// sealFingerprint appends the checksum.
func sealFingerprint(data []byte) []byte {
	sum := sha256.Sum256(data)
	return append(data, sum[:]...)
}

type encoder struct{ data []byte }

func (e *encoder) number(n int64) { e.data = binary.AppendVarint(e.data, n) }

func (e *encoder) text(s string) {
	e.number(int64(len(s)))
	e.data = append(e.data, s...)
}

func (e *encoder) flag(b bool) {
	if b {
		e.number(1)
	} else {
		e.number(0)
	}
}

func (e *encoder) record(r *record) {
	e.text(r.path)
	e.number(int64(r.mode))
	e.number(r.size)
	e.number(int64(r.nlink))
	e.number(int64(r.inode))
	e.number(int64(r.mtime.Sec))
	e.number(int64(r.mtime.Nsec))
	e.number(int64(r.ctime.Sec))
	e.number(int64(r.ctime.Nsec))
	switch {
	case r.isSymlink():
		e.text(r.link)
	case r.isRegular():
		e.data = append(e.data, r.evidence[:]...)
	}
}

// DecodeFingerprint reads what Encode wrote.
func DecodeFingerprint(data []byte) (*Fingerprint, error) {
	end := len(data) - sha256.Size
	if end < len(fingerprintMagic) || string(data[:len(fingerprintMagic)]) != fingerprintMagic {
		return nil, errNoFingerprint
	}
	if sum := sha256.Sum256(data[:end]); !bytes.Equal(sum[:], data[end:]) {
		return nil, fmt.Errorf("%w: damaged", errNoFingerprint)
	}
	d := &decoder{data: data[len(fingerprintMagic):end]}
	f := &Fingerprint{Dir: d.text(), DiffID: d.text(), Origin: d.text(), normalized: d.flag(), uniform: d.flag()}
	f.uid, f.gid = int(d.number()), int(d.number())
	for range d.count(smallestParent) {
		f.parents = append(f.parents, parentEntry{
			name: d.text(), mode: uint32(d.number()), uid: int(d.number()), gid: int(d.number()),
		})
	}
	f.Key = blob.Key(d.evidence())
	n := d.count(smallestRecord)
	f.records = make([]record, n)
	for i := range n {
		f.records[i] = d.record()
	}
	for range d.count(smallestFrame) {
		frame := blob.Frame{Content: d.evidence(), Length: int(d.number())}
		f.Frames = append(f.Frames, frame)
	}
	if d.failed || len(d.data) > 0 || n == 0 {
		return nil, fmt.Errorf("%w: it has another form", errNoFingerprint)
	}
	return f, nil
}

// decoder reads from the front of data. Once something is missing everything
// it returns is zero.
type decoder struct {
	data   []byte
	failed bool
}

func (d *decoder) number() int64 {
	n, size := binary.Varint(d.data)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.data = d.data[size:]
	return n
}

// count is a number of things that take so many bytes each, at least.
func (d *decoder) count(size int) int {
	n := d.number()
	if n < 0 || n > int64(len(d.data)/size) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) text() string { return string(d.bytes(d.count(1))) }

func (d *decoder) flag() bool { return d.number() == 1 }

func (d *decoder) bytes(n int) []byte {
	if n > len(d.data) {
		d.fail()
		return nil
	}
	b := d.data[:n]
	d.data = d.data[n:]
	return b
}

func (d *decoder) evidence() (e blob.Evidence) {
	copy(e[:], d.bytes(len(e)))
	return e
}

func (d *decoder) fail() { d.data, d.failed = nil, true }

func (d *decoder) record() record {
	r := record{entry: entry{
		path: d.text(), mode: uint32(d.number()), size: d.number(),
		nlink: uint64(d.number()), inode: uint64(d.number()),
		mtime: posix.Timespec{Sec: d.number(), Nsec: d.number()},
		ctime: posix.Timespec{Sec: d.number(), Nsec: d.number()},
	}}
	switch {
	case r.isSymlink():
		r.link = d.text()
	case r.isRegular():
		r.evidence = d.evidence()
	}
	return r
}
