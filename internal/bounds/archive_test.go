package bounds

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/posix"
)

// TestArchive decodes as much as an archive may have, and one byte more.
func TestArchive(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name            string
		blob, announced int64
		most            int64
	}{
		{"announced", 1000, 5000, 5000},
		{"nothing announced", 1 << 20, -1, MaxRatio << 20},
		{"nothing announced, a small blob", 100, -1, minArchive},
		{"announced, and much smaller than the blob", 1 << 20, 10, 10},
		{"the largest blob there can be", 1<<63 - 1, -1, 1<<63 - 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, err := NewArchive(test.blob, test.announced, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Decoded(test.most - 1); err != nil {
				t.Error(err)
			}
			if err := a.Decoded(1); err != nil {
				t.Error(err)
			}
			if err := a.Decoded(1); !errors.Is(err, ErrExceeded) {
				t.Errorf("one byte more: %v", err)
			}
		})
	}
}

func TestAnnouncedAbsurdly(t *testing.T) {
	t.Parallel()
	if _, err := NewArchive(1000, 1<<62, t.TempDir()); !errors.Is(err, ErrExceeded) {
		t.Errorf("got %v", err)
	}
	// It is a matter of the room alone where the blob is large as well.
	if _, err := NewArchive(1<<60, 1<<62, t.TempDir()); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestEntries(t *testing.T) {
	t.Parallel()
	a, err := NewArchive(1000, -1, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{strings.Repeat("x", MaxPath+1), strings.Repeat("d/", MaxPathDepth+1) + "f"} {
		if err := a.Entry(name); !errors.Is(err, ErrExceeded) {
			t.Errorf("%.20s: %v", name, err)
		}
	}
	if err := a.Entry(strings.Repeat("d/", MaxPathDepth) + "f"); err != nil {
		t.Error(err)
	}
	for range MaxEntries - 3 {
		if err := a.Entry("x"); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Entry("x"); !errors.Is(err, ErrExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	a, err := NewArchive(1000, 3, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(a.Reader(strings.NewReader("four"))); !errors.Is(err, ErrExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestNoBound has none.
func TestNoBound(t *testing.T) {
	t.Parallel()
	var a *Archive
	if err := errors.Join(a.Decoded(1<<62), a.Entry(strings.Repeat("x", 1<<20))); err != nil {
		t.Error(err)
	}
}

func TestRoomErrorIsNoSpace(t *testing.T) {
	t.Parallel()
	if err := error(&RoomError{}); !errors.Is(err, posix.ENOSPC) || errors.Is(err, ErrExceeded) {
		t.Error(err)
	}
}
