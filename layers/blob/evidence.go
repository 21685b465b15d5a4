package blob

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"io"
)

// Evidence says what a file's content was: a keyed hash of it, at a quarter of
// the cost of a sha256.
//
// It is the GMAC (NIST SP 800-38D) of the content, in pieces. Under a key that
// was drawn after the content was known, and that whoever changes the content does
// not see, another content of the same size has the same GMAC with a probability
// below 2^-100. The key is kept beside the evidence.
type Evidence [16]byte

// Key is what evidence is taken under: one for a layer.
type Key [16]byte

// NewKey draws a key.
func NewKey() (key Key) {
	rand.Read(key[:]) // never fails
	return key
}

// evidencePiece is how much of a file a GMAC covers. The evidence of a larger
// file is a digest of those of its pieces.
const evidencePiece = 64 << 10

// Witness makes evidence. It is not safe for concurrent use.
type Witness struct {
	mac cipher.AEAD
	// begun is the piece that is not whole yet, sums those of the pieces before.
	begun, sums []byte
}

// noNonce: no sum is ever seen by anybody, so what GMAC needs one for is not at
// stake.
var noNonce [12]byte

// NewWitness returns a witness whose evidence is under key.
func NewWitness(key Key) *Witness {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // a key of another size
	}
	mac, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // a cipher with other blocks
	}
	return &Witness{mac: mac}
}

// Write implements io.Writer. It does not fail.
func (w *Witness) Write(p []byte) (int, error) {
	n := len(p)
	for len(w.begun)+len(p) >= evidencePiece {
		if len(w.begun) == 0 {
			w.seal(p[:evidencePiece])
			p = p[evidencePiece:]
			continue
		}
		fill := evidencePiece - len(w.begun)
		w.seal(append(w.begun, p[:fill]...))
		w.begun, p = w.begun[:0], p[fill:]
	}
	w.begun = append(w.begun, p...)
	return n, nil
}

func (w *Witness) seal(piece []byte) { w.sums = w.mac.Seal(w.sums, noNonce[:], nil, piece) }

// Sum is the evidence of everything since the last call.
func (w *Witness) Sum() (e Evidence) {
	if len(w.begun) > 0 || len(w.sums) == 0 {
		w.seal(w.begun)
	}
	if len(w.sums) == len(e) {
		e = Evidence(w.sums)
	} else {
		all := sha256.Sum256(w.sums)
		e = Evidence(all[:])
	}
	w.begun, w.sums = w.begun[:0], w.sums[:0]
	return e
}

// whole is the evidence of a content that lies in one piece of memory.
func (w *Witness) whole(content []byte) Evidence {
	_, _ = w.Write(content)
	return w.Sum()
}

// Holds reports whether content is what the evidence was taken of.
func (w *Witness) Holds(e Evidence, content io.Reader, buffer []byte) (bool, error) {
	if _, err := io.CopyBuffer(struct{ io.Writer }{w}, content, buffer); err != nil {
		w.Sum()
		return false, err
	}
	return w.Sum() == e, nil
}
