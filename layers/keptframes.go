package layers

import (
	"errors"
	"io/fs"
	"os"
	"sync/atomic"
)

// volatileAnnotation marks the blob of a layer that had other content in the
// snapshot before: it will change again.
const volatileAnnotation = "com.github.pack-cache.volatile"

// frameKeeper keeps the frames of a blob as they came, so that a save need not
// compress again what has not changed (RestoreOptions.KeepFrames). Methods may be
// called on nil, which keeps nothing.
type frameKeeper struct {
	key    evidenceKey
	file   *os.File
	failed atomic.Bool
	// records are added in the order in which frames were written.
	records []frameRecord
}

// frameRecord is a frame that was kept.
type frameRecord struct {
	// content is the evidence of what it decodes to.
	content evidence
	// length is that of the frame itself, in bytes.
	length int
}

// newFrameKeeper makes the file of a layer's frames.
func newFrameKeeper(stateDir, dir string, key evidenceKey) *frameKeeper {
	if os.MkdirAll(stateDir, 0o700) != nil {
		return nil
	}
	file, err := os.OpenFile(stateFile(stateDir, dir, framesState), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil
	}
	return &frameKeeper{key: key, file: file}
}

// write keeps a frame.
func (k *frameKeeper) write(frame []byte) {
	if k != nil && !k.failed.Load() {
		if _, err := k.file.Write(frame); err != nil {
			k.fail()
		}
	}
}

// evidence is what a frame is found by. It is safe for concurrent use.
func (k *frameKeeper) evidence(raw []byte) (e evidence) {
	if k != nil && !k.failed.Load() {
		e = newWitness(k.key).whole(raw)
	}
	return e
}

// add notes the next frame of those that were written.
func (k *frameKeeper) add(content evidence, length int) {
	if k != nil {
		k.records = append(k.records, frameRecord{content, length})
	}
}

// fail gives up: there is no room, or the blob does not consist of frames. That
// costs the save time, and nothing else.
func (k *frameKeeper) fail() {
	if k != nil {
		k.failed.Store(true)
	}
}

// close returns what was kept, nothing if not all of it could be.
func (k *frameKeeper) close() []frameRecord {
	if k == nil {
		return nil
	}
	if k.file.Close() != nil || k.failed.Load() {
		_ = os.Remove(k.file.Name())
		return nil
	}
	return k.records
}

// keptFrames finds frames that a restore has kept. It is safe for concurrent use;
// nil has none.
type keptFrames struct {
	key    evidenceKey
	file   *os.File
	frames map[evidence]keptFrame
}

type keptFrame struct {
	offset int64
	length int
}

// openKeptFrames opens the frames that belong to a fingerprint.
func openKeptFrames(stateDir string, f *fingerprint) *keptFrames {
	if len(f.frames) == 0 {
		return nil
	}
	file, err := os.Open(stateFile(stateDir, f.dir, framesState))
	if err != nil {
		return nil
	}
	k := &keptFrames{key: f.key, file: file, frames: make(map[evidence]keptFrame, len(f.frames))}
	offset := int64(0)
	for _, frame := range f.frames {
		k.frames[frame.content] = keptFrame{offset, frame.length}
		offset += int64(frame.length)
	}
	return k
}

// find appends to packed the frame that decodes to raw, if there is one.
func (k *keptFrames) find(raw, packed []byte) ([]byte, bool) {
	if k == nil {
		return packed, false
	}
	frame, ok := k.frames[newWitness(k.key).whole(raw)]
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

func (k *keptFrames) close() {
	if k != nil {
		k.file.Close()
	}
}

// forgetFrames removes the frames of a layer directory.
func forgetFrames(stateDir, dir string) error {
	if err := os.Remove(stateFile(stateDir, dir, framesState)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
