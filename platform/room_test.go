package platform

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// TestRoomWatch finds the words in a log however it is cut.
func TestRoomWatch(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"write: No space left on device\n": true,
		"tar: Disk quota exceeded":         true,
		"no space left":                    false,
		strings.Repeat("x", 1000):          false,
	} {
		for _, size := range []int{1, 7, len(text)} {
			watch := &roomWatch{WriteCloser: nopCloser{io.Discard}}
			for rest := text; rest != ""; {
				n := min(size, len(rest))
				_, _ = watch.Write([]byte(rest[:n]))
				rest = rest[n:]
			}
			if watch.full != want {
				t.Errorf("%.40q in pieces of %d: %v", text, size, watch.full)
			}
		}
	}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// fullPlace is a place that is full.
type fullPlace struct{ lifecycle.Place }

func (fullPlace) Facts() lifecycle.PlaceFacts { return lifecycle.PlaceFacts{Room: "make room here"} }

// TestRoomHint tells where to make room, once.
func TestRoomHint(t *testing.T) {
	t.Parallel()
	daemon := errors.New("docker: import: Error response from daemon: write /x: no space left on device")
	for name, test := range map[string]struct {
		place lifecycle.Place
		err   error
		want  string
	}{
		"here":    {fullPlace{}, daemon, "make room here"},
		"nowhere": {nil, daemon, "make room where the build runs"},
		"a file":  {nil, fmt.Errorf("buildpack: %w", &fs.PathError{Op: "write", Path: "/var/tmp/x", Err: syscall.ENOSPC}), "make room on the file system of /var/tmp, or"},
		"known":   {fullPlace{}, hint.With("as it was", daemon), "as it was"},
		"another": {fullPlace{}, errors.New("exit code 51"), ""},
	} {
		way := hint.Of(withRoomHint(test.place, test.err))
		if !strings.HasPrefix(way, test.want) || (way == "") != (test.want == "") {
			t.Errorf("%s: %q, want %q", name, way, test.want)
		}
	}
}
