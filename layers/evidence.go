package layers

import (
	"crypto/sha256"
	"encoding"
	"fmt"
	"hash"
	"io"
)

// evidence says what a file's content was, at no cost beyond the diffID.
//
// The diffID is the sha256 of the whole archive, so hashing passes over every
// file anyway. evidence is the hash's inner state just before the file's data,
// and the digest of everything up to the end of the data. Whoever feeds the
// same bytes into the same state gets the same digest, and, as sha256 goes,
// nobody else does.
type evidence struct {
	state [stateSize]byte
	sum   [sha256.Size]byte
}

// stateSize is the length of what crypto/sha256 marshals; newTarHash checks it.
const stateSize = 108

// tarHash is a sha256 whose state can be taken at any time.
type tarHash struct {
	hash.Hash
	buffer []byte
}

func newTarHash() *tarHash { return &tarHash{Hash: sha256.New()} }

// state appends nothing and returns the hash's inner state.
func (h *tarHash) state() ([stateSize]byte, error) {
	var state [stateSize]byte
	data, err := h.Hash.(encoding.BinaryAppender).AppendBinary(h.buffer[:0])
	if err != nil {
		return state, err
	}
	if len(data) != stateSize {
		return state, fmt.Errorf("sha256 state of %d bytes", len(data))
	}
	h.buffer = data
	return [stateSize]byte(data), nil
}

// sum is the digest of everything written so far.
func (h *tarHash) sum() (sum [sha256.Size]byte) {
	h.Hash.Sum(sum[:0])
	return sum
}

// holds reports whether content is what the evidence was taken of.
func (e *evidence) holds(content io.Reader, buffer []byte) (bool, error) {
	h := newTarHash()
	if err := h.Hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(e.state[:]); err != nil {
		return false, fmt.Errorf("sha256 state: %w", err)
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{h}, content, buffer); err != nil {
		return false, err
	}
	return h.sum() == e.sum, nil
}
