package platform

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// noRoomWords are what programs say when a file system is full: strerror(3) of ENOSPC,
// which also means that no inode is free, and of EDQUOT.
var noRoomWords = []string{"no space left on device", "disk quota exceeded"}

func saysNoRoom(text string) bool {
	text = strings.ToLower(text)
	for _, words := range noRoomWords {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// roomWatch notes whether a log says that a file system is full. A buildpack that
// fails for that often removes what it has written, so nothing else tells later.
type roomWatch struct {
	io.WriteCloser
	full bool
	// tail is the end of what was written, in which the words may begin.
	tail []byte
}

// Write implements io.Writer.
func (w *roomWatch) Write(p []byte) (int, error) {
	const longest = 64
	w.tail = append(w.tail, p...)
	w.full = w.full || saysNoRoom(string(w.tail))
	w.tail = bytes.Clone(w.tail[max(0, len(w.tail)-longest):])
	return w.WriteCloser.Write(p)
}

// withRoomHint adds to an error that speaks of a full file system what to do, unless
// it says so already. Errors of daemons and of their volumes have no more than the
// words. place is nil before there is one.
func withRoomHint(place lifecycle.Place, err error) error {
	if err == nil || !saysNoRoom(err.Error()) {
		return err
	}
	if hint.Of(err) != "" {
		return err
	}
	if failed, ok := errors.AsType[*fs.PathError](err); ok && filepath.IsAbs(failed.Path) {
		return hint.With("make room on the file system of "+filepath.Dir(failed.Path)+", or name a directory on a larger one in TMPDIR if it is there", err)
	}
	return hint.With(roomHint(place), err)
}

// roomHint says what to do when there is no room for the volumes of a place.
func roomHint(place lifecycle.Place) string {
	if place == nil {
		return "make room where the build runs"
	}
	return place.Facts().Room
}
