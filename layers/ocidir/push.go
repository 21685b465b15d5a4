package ocidir

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers"
)

// Push implements layers.Store.
func (s *Store) Push(ctx context.Context, want v1.Descriptor, open func() (io.ReadCloser, error)) (layers.Pushed, error) {
	if err := ctx.Err(); err != nil {
		return layers.Pushed{}, err
	}
	if want.Digest != (v1.Hash{}) {
		size, ok, err := s.stat(want)
		if err != nil {
			return layers.Pushed{}, s.failed("read", err)
		}
		if ok {
			want.Size = size
			return layers.Pushed{Descriptor: want}, nil
		}
	}
	root, err := s.open(ctx)
	if err != nil {
		return layers.Pushed{}, s.failed("write to", err)
	}
	defer root.Close()
	s.writing.begin(root)
	file, err := newTemp(root)
	if err != nil {
		return layers.Pushed{}, s.failed("write to", err)
	}
	source, err := open()
	if err != nil {
		file.discard()
		return layers.Pushed{}, err
	}
	written, err := s.fill(ctx, file, source)
	if err != nil {
		return layers.Pushed{}, err
	}
	if want.Digest != (v1.Hash{}) && want.Digest != written.Digest {
		file.discard()
		return layers.Pushed{}, s.failed("write to", fmt.Errorf("the content of blob %s has digest %s", want.Digest, written.Digest))
	}
	// Also if it is there: that may have been damaged, this is not.
	if err := file.publish(blobPath(written.Digest)); err != nil {
		return layers.Pushed{}, s.failed("write to", err)
	}
	want.Digest, want.Size = written.Digest, written.Size
	return layers.Pushed{Descriptor: want, Sent: want.Size}, nil
}

// stat reports whether a blob is there with the right size.
func (s *Store) stat(want v1.Descriptor) (size int64, ok bool, err error) {
	root, err := os.OpenRoot(s.dir)
	if err == nil {
		defer root.Close()
		var info fs.FileInfo
		if info, err = root.Stat(blobPath(want.Digest)); err == nil {
			return info.Size(), info.Mode().IsRegular() && (want.Size == 0 || info.Size() == want.Size), nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	return 0, false, err
}

// fill writes a source, which it closes, to a file and returns digest and size
// of what it wrote. With an error, the file is discarded. A Read that is under
// way when ctx ends is not waited for.
func (s *Store) fill(ctx context.Context, to *temp, source io.ReadCloser) (v1.Descriptor, error) {
	written := hashed{ctx: ctx, to: to.file, hash: sha256.New()}
	done := make(chan error, 1)
	go func() {
		_, err := io.CopyBuffer(&written, struct{ io.Reader }{source}, make([]byte, 256<<10))
		if failed, ok := errors.AsType[*writeError](err); ok {
			err = s.failed("write to", failed.error)
		}
		if closed := source.Close(); err == nil {
			err = closed
		}
		done <- err
	}()
	select {
	case err := <-done:
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		if err != nil {
			to.discard()
			return v1.Descriptor{}, err
		}
		return v1.Descriptor{Digest: written.digest(), Size: written.size}, nil
	case <-ctx.Done():
		go func() {
			<-done
			to.discard()
		}()
		return v1.Descriptor{}, ctx.Err()
	}
}

// hashed is a writer that knows what went through it, and stops when its context
// ends.
type hashed struct {
	ctx  context.Context // of the Push that it belongs to
	to   io.Writer
	hash hash.Hash
	size int64
}

// Write implements io.Writer. Errors of the file are of type *writeError.
func (h *hashed) Write(p []byte) (int, error) {
	if err := h.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := h.to.Write(p)
	h.hash.Write(p[:n])
	h.size += int64(n)
	if err != nil {
		err = &writeError{err}
	}
	return n, err
}

func (h *hashed) digest() v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.hash.Sum(nil))}
}

// writeError tells what is wrong with the directory from what is wrong with the
// source.
type writeError struct{ error }

func hashOf(content []byte) v1.Hash {
	sum := sha256.Sum256(content)
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
}
