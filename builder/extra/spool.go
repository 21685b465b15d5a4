package extra

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/userfile"
)

// spool keeps what was downloaded and the layers that were made, in temporary
// files without a name.
type spool struct {
	// limit is bounds.MaxBuildpack, except in tests.
	limit int64
	files []*os.File
	// named are the temporary files that could not be removed while they are open.
	named []string
}

// create opens a new temporary file.
func (s *spool) create() (*os.File, error) {
	file, err := os.CreateTemp("", "pack-cache-buildpack-*")
	if err != nil {
		return nil, err
	}
	s.files = append(s.files, file)
	// Where an open file can be removed, nothing is left behind even by a process
	// that is killed.
	if os.Remove(file.Name()) != nil {
		s.named = append(s.named, file.Name())
	}
	return file, nil
}

// open opens a file of the user's, which close leaves alone.
func (s *spool) open(path string) (*os.File, error) {
	file, err := userfile.OpenRegular(path)
	if err == nil {
		s.files = append(s.files, file)
	}
	return file, err
}

// keep copies what r has into a temporary file.
func (s *spool) keep(r io.Reader) (*io.SectionReader, error) {
	file, err := s.create()
	if err != nil {
		return nil, err
	}
	room := bounds.Room(os.TempDir())
	n, err := io.Copy(file, io.LimitReader(r, min(s.limit, room-1)+1))
	if err != nil {
		return nil, err
	}
	if n > s.limit {
		return nil, &sizeError{s.limit}
	}
	if n >= room {
		return nil, hint.With("make room in "+os.TempDir()+", or name another directory in TMPDIR", &bounds.RoomError{})
	}
	return io.NewSectionReader(file, 0, n), nil
}

// sizeError says that something is larger than it may be.
type sizeError struct{ limit int64 }

func (e *sizeError) Error() string { return fmt.Sprintf("it is larger than %d MB", e.limit>>20) }

// layer makes a layer of what write writes.
func (s *spool) layer(write func(io.Writer) error) (v1.Layer, error) {
	file, err := s.create()
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	buffered := bufio.NewWriterSize(io.MultiWriter(file, sum), 1<<16)
	if err := write(buffered); err != nil {
		return nil, err
	}
	if err := buffered.Flush(); err != nil {
		return nil, err
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	return &spooled{file, size, v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}}, nil
}

// close gives up all files, and with them the layers. It is idempotent.
func (s *spool) close() error {
	var failed error
	for _, file := range s.files {
		failed = errors.Join(failed, file.Close())
	}
	for _, name := range s.named {
		failed = errors.Join(failed, os.Remove(name))
	}
	s.files, s.named = nil, nil
	return failed
}

// spooled is an uncompressed layer in a file.
type spooled struct {
	file io.ReaderAt
	size int64
	hash v1.Hash
}

var _ v1.Layer = (*spooled)(nil)

func (l *spooled) Digest() (v1.Hash, error)             { return l.hash, nil }
func (l *spooled) DiffID() (v1.Hash, error)             { return l.hash, nil }
func (l *spooled) Size() (int64, error)                 { return l.size, nil }
func (l *spooled) MediaType() (types.MediaType, error)  { return types.OCIUncompressedLayer, nil }
func (l *spooled) Uncompressed() (io.ReadCloser, error) { return l.Compressed() }
func (l *spooled) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(l.file, 0, l.size)), nil
}
