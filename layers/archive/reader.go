package archive

import (
	"hash"
	"io"

	"github.com/pack-cache/pack-cache/layers/blob"
)

// archiveReader reads an archive out of the blocks of a feed, mostly without
// copying it. It is not safe for concurrent use.
type archiveReader struct {
	feed *blob.Feed
	// hash, if not nil, gets to see every byte.
	hash hash.Hash
	// size counts the bytes so far, those of the current block included.
	size int64
	// block is the current one, of which left is still to be read.
	block *blob.Block
	left  []byte
	// scratch is for what is spread over two blocks.
	scratch []byte
}

// more makes sure that there is something left. At the end it returns io.EOF.
func (a *archiveReader) more() error {
	for len(a.left) == 0 {
		a.release()
		b, size, err := a.feed.Next()
		if err != nil {
			return err
		}
		a.block, a.left = b, b.Data[:size]
		a.size += int64(size)
		if a.hash != nil {
			a.hash.Write(a.left)
		}
	}
	return nil
}

// take returns up to n bytes of content, at least one, and adds a reference to the
// block that they are in, which is the caller's.
func (a *archiveReader) take(n int64) ([]byte, *blob.Block, error) {
	if err := a.more(); err != nil {
		return nil, nil, ended(err)
	}
	data := a.left[:min(n, int64(len(a.left)))]
	a.left = a.left[len(data):]
	a.block.Share()
	return data, a.block, nil
}

// read returns the next n bytes. They are good until the next call. If there is
// not one byte left, the error is io.EOF.
func (a *archiveReader) read(n int) ([]byte, error) {
	if err := a.more(); err != nil {
		return nil, err
	}
	if len(a.left) >= n {
		data := a.left[:n]
		a.left = a.left[n:]
		return data, nil
	}
	a.scratch = a.scratch[:0]
	for {
		data := a.left[:min(n-len(a.scratch), len(a.left))]
		a.scratch = append(a.scratch, data...)
		a.left = a.left[len(data):]
		if len(a.scratch) == n {
			return a.scratch, nil
		}
		if err := a.more(); err != nil {
			return nil, ended(err)
		}
	}
}

// skip passes over n bytes.
func (a *archiveReader) skip(n int64) error {
	for n > 0 {
		if err := a.more(); err != nil {
			return ended(err)
		}
		some := min(n, int64(len(a.left)))
		a.left = a.left[some:]
		n -= some
	}
	return nil
}

// drain passes over everything that is left.
func (a *archiveReader) drain() error {
	for {
		if err := a.more(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		a.left = nil
	}
}

// release gives the current block back.
func (a *archiveReader) release() {
	a.block.Release()
	a.block, a.left = nil, nil
}

// ended makes io.EOF the error that it is where something should follow.
func ended(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
