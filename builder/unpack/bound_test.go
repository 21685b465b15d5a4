package unpack

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// TestBombs unpacks layers that have more than is believed of any layer: the error
// names the layer and the way out, and nothing stays.
func TestBombs(t *testing.T) {
	t.Parallel()
	large := pax(t, file("f", strings.Repeat("x", 200<<20)))
	for name, l := range map[string]*fakeLayer{
		"zstd": newLayer(large, zstandard),
		"a window of 2 GiB": newLayer(large, func([]byte) []byte {
			return []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0}
		}),
		"deep directories": newLayer(pax(t, dir(strings.Repeat("d/", 300))), gzipped),
	} {
		for _, flat := range []bool{false, true} {
			s := openStore(t, t.TempDir(), Options{UserXattr: true})
			var err error
			if flat {
				_, err = s.Flat(t.Context(), image(l), nil)
			} else {
				_, err = s.Layers(t.Context(), image(l), nil)
			}
			if err == nil || !strings.Contains(err.Error(), l.digest.String()) {
				t.Errorf("%s, flat %t: %v", name, flat, err)
			}
			var bound *BoundError
			if name != "a window of 2 GiB" && (!errors.As(err, &bound) || bound.Hint() == "" || !errors.Is(err, bounds.ErrExceeded)) {
				t.Errorf("%s, flat %t: %v", name, flat, err)
			}
			if left := leftovers(s.dir); len(left) > 0 {
				t.Errorf("%s, flat %t: left behind %q", name, flat, left)
			}
		}
	}
}

// TestSparseFilesTogether refuses claims that add up.
func TestSparseFilesTogether(t *testing.T) {
	t.Parallel()
	tree := &tree{}
	if err := tree.checkSparse(bounds.MaxSparse); err != nil {
		t.Error(err)
	}
	if err := tree.checkSparse(1); err == nil {
		t.Error("more passed")
	}
}

// TestZerosTakeNoRoom unpacks a file of zeros as a hole.
func TestZerosTakeNoRoom(t *testing.T) {
	t.Parallel()
	l := newLayer(pax(t, file("f", strings.Repeat("\x00", 50<<20)+"x")), gzipped)
	s := openStore(t, t.TempDir(), Options{UserXattr: true})
	dirs, err := s.Layers(t.Context(), image(l), nil)
	if err != nil {
		t.Fatal(err)
	}
	if room := blocks(t, dirs[0]+"/f"); room > 1<<20 {
		t.Errorf("it takes %d bytes", room)
	}
}

// blocks is how many bytes a file takes on the disk.
func blocks(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Blocks * 512
}
