package blob

import (
	"os"
	"path/filepath"
	"sync/atomic"
)

// FrameKeeper keeps the frames of a blob in a file as they came, so that what has not
// changed need not be compressed again. Nil keeps nothing.
type FrameKeeper struct {
	key    Key
	file   *os.File
	failed atomic.Bool
	// records are added in the order in which frames were written.
	records []Frame
}

// Frame is a frame that was kept.
type Frame struct {
	// Content is the evidence of what it decodes to.
	Content Evidence
	// Length is that of the frame itself, in bytes.
	Length int
}

// NewFrameKeeper keeps frames in a file, to be found by evidence under key. It
// returns nil where the file cannot be made.
func NewFrameKeeper(path string, key Key) *FrameKeeper {
	if os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil
	}
	return &FrameKeeper{key: key, file: file}
}

// write keeps a frame.
func (k *FrameKeeper) write(frame []byte) {
	if k != nil && !k.failed.Load() {
		if _, err := k.file.Write(frame); err != nil {
			k.fail()
		}
	}
}

// evidence is what a frame is found by. It is safe for concurrent use.
func (k *FrameKeeper) evidence(raw []byte) (e Evidence) {
	if k != nil && !k.failed.Load() {
		e = NewWitness(k.key).whole(raw)
	}
	return e
}

// add notes the next frame of those that were written.
func (k *FrameKeeper) add(content Evidence, length int) {
	if k != nil {
		k.records = append(k.records, Frame{content, length})
	}
}

// fail gives up: there is no room, or the blob does not consist of frames. That
// costs the save time, and nothing else.
func (k *FrameKeeper) fail() {
	if k != nil {
		k.failed.Store(true)
	}
}

// Close returns what was kept, nothing if not all of it could be.
func (k *FrameKeeper) Close() []Frame {
	if k == nil {
		return nil
	}
	if k.file.Close() != nil || k.failed.Load() {
		_ = os.Remove(k.file.Name())
		return nil
	}
	return k.records
}

// KeptFrames finds frames that a restore has kept. It is safe for concurrent use;
// nil has none.
type KeptFrames struct {
	key    Key
	file   *os.File
	frames map[Evidence]keptFrame
}

type keptFrame struct {
	offset int64
	length int
}

// OpenKeptFrames opens a file that a FrameKeeper has left, with the frames and the key
// that it had; nil if there are none.
func OpenKeptFrames(path string, key Key, frames []Frame) *KeptFrames {
	if len(frames) == 0 {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	k := &KeptFrames{key: key, file: file, frames: make(map[Evidence]keptFrame, len(frames))}
	offset := int64(0)
	for _, frame := range frames {
		k.frames[frame.Content] = keptFrame{offset, frame.Length}
		offset += int64(frame.Length)
	}
	return k
}

// Find appends to packed the frame that decodes to raw, if there is one.
func (k *KeptFrames) Find(raw, packed []byte) ([]byte, bool) {
	if k == nil {
		return packed, false
	}
	frame, ok := k.frames[NewWitness(k.key).whole(raw)]
	if !ok {
		return packed, false
	}
	if cap(packed) < frame.length {
		packed = make([]byte, frame.length)
	}
	packed = packed[:frame.length]
	_, err := k.file.ReadAt(packed, frame.offset)
	return packed, err == nil
}

// Close closes the file.
func (k *KeptFrames) Close() {
	if k != nil {
		k.file.Close()
	}
}
