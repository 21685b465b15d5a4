package ocidir

import (
	"os"
	"strings"
	"sync"

	"github.com/pack-cache/pack-cache/internal/posix"
	"github.com/pack-cache/pack-cache/internal/userfile"
)

// writing marks a directory while a store has written blobs that no name leads to
// yet, so that the reset of another build spares them. The mark is a temporary
// file, and locked: that of a killed process counts for nothing.
type writing struct {
	mu   sync.Mutex
	mark *temp
}

// begin sets the mark, if it can be set.
func (w *writing) begin(root *os.Root) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mark == nil {
		// Without a mark the worst is that a blob has to be written again.
		w.mark, _ = newTemp(root)
	}
}

// Close takes away the mark of a store that has pushed and not committed, as after
// a save that failed. The store can still be used.
func (s *Store) Close() error {
	s.writing.end()
	return nil
}

// end takes it away.
func (w *writing) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mark != nil {
		w.mark.discard()
		w.mark = nil
	}
}

// others reports whether somebody else is writing.
func (w *writing) others(root *os.Root) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	dir, err := root.Open(".")
	if err != nil {
		return true
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return true
	}
	for _, name := range names {
		own := w.mark != nil && name == w.mark.name
		if strings.HasPrefix(name, tempPrefix) && !own && isLocked(root, name) {
			return true
		}
	}
	return false
}

func isLocked(root *os.Root, name string) bool {
	file, err := userfile.OpenIn(root, name)
	if err != nil {
		return false
	}
	defer file.Close()
	return posix.TryLock(file) != nil
}
