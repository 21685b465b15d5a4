package holes

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// write writes pieces to a new file, and returns its content and how many bytes it
// takes on the disk.
func write(t *testing.T, pieces ...[]byte) ([]byte, int64) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w := NewWriter(int(file.Fd()), Step)
	for _, piece := range pieces {
		if n, err := w.Write(piece); err != nil || n != len(piece) {
			t.Fatal(n, err)
		}
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content, info.Sys().(*syscall.Stat_t).Blocks * 512
}

// TestRoom writes zeros, which take no room.
func TestRoom(t *testing.T) {
	t.Parallel()
	zeros := make([]byte, 1<<20)
	data := bytes.Repeat([]byte("x"), 1<<20)
	for _, test := range []struct {
		name   string
		pieces [][]byte
		most   int64
	}{
		{"nothing", nil, 0},
		{"zeros", [][]byte{zeros, zeros, zeros}, 0},
		{"zeros, not in whole pieces", [][]byte{zeros[:511], zeros[:1000], zeros}, 0},
		{"data between zeros", [][]byte{zeros, data[:1], zeros}, Step},
		{"zeros behind data", [][]byte{data, zeros, zeros}, 1<<20 + Step},
		{"zeros before data", [][]byte{zeros, zeros, data}, 1<<20 + Step},
		{"data", [][]byte{data}, 1<<20 + Step},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			content, room := write(t, test.pieces...)
			if !bytes.Equal(content, bytes.Join(test.pieces, nil)) {
				t.Error("another content")
			}
			if room > test.most {
				t.Errorf("it takes %d bytes, more than %d", room, test.most)
			}
		})
	}
}

// TestContent writes runs of zeros and of other bytes of any length in pieces of
// any length.
func TestContent(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var content []byte
		for range random.IntN(6) {
			run := make([]byte, random.IntN(3*Step))
			if random.IntN(2) == 0 {
				for i := range run {
					run[i] = byte(random.Uint32())
				}
			}
			content = append(content, run...)
		}
		var pieces [][]byte
		for rest := content; len(rest) > 0; {
			n := 1 + random.IntN(len(rest))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		if got, _ := write(t, pieces...); !bytes.Equal(got, content) {
			t.Fatalf("%d bytes in %d pieces became another content", len(content), len(pieces))
		}
	}
}
