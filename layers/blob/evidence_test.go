package blob

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testtree"
)

// TestEvidence cuts contents in all kinds of ways: the evidence is that of the
// whole, and no other content of the same size has it.
func TestEvidence(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(8, 8))
	key := NewKey()
	w := NewWitness(key)
	for _, size := range []int{0, 1, 15, 16, 17, 1000, evidencePiece - 1, evidencePiece, evidencePiece + 1, 2 * evidencePiece, 5*evidencePiece + 333} {
		content := testtree.Bytes(size)
		want := NewWitness(key).whole(content)
		for range 5 {
			for rest := content; len(rest) > 0; {
				n := 1 + random.IntN(len(rest))
				w.Write(rest[:n])
				rest = rest[n:]
			}
			if got := w.Sum(); got != want {
				t.Fatalf("%d bytes in pieces have other evidence than the whole", size)
			}
		}
		if same, err := w.Holds(want, bytes.NewReader(content), make([]byte, 1000)); err != nil || !same {
			t.Errorf("%d bytes are not what they are: %t, %v", size, same, err)
		}
		for range 20 {
			if size == 0 {
				break
			}
			other := bytes.Clone(content)
			other[random.IntN(size)] ^= byte(1 << random.IntN(8))
			if w.whole(other) == want {
				t.Fatalf("a change in %d bytes goes unnoticed", size)
			}
		}
		if size >= 2*evidencePiece {
			swapped := append(bytes.Clone(content[evidencePiece:2*evidencePiece]), content[:evidencePiece]...)
			if w.whole(append(swapped, content[2*evidencePiece:]...)) == want {
				t.Error("two pieces that change places go unnoticed")
			}
		}
		if NewWitness(NewKey()).whole(content) == want {
			t.Errorf("%d bytes have the same evidence under another key", size)
		}
	}
	if w.whole([]byte(strings.Repeat("a", 100))) == w.whole([]byte(strings.Repeat("a", 99))) {
		t.Error("another length goes unnoticed")
	}
}
