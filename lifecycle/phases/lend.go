package phases

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// What can be asked of a borrowed store.
const (
	loanResolve = "resolve"
	loanRead    = "read"
	loanFetch   = "fetch"
	loanPush    = "push"
	loanCommit  = "commit"
)

// loanQuestion is what a phase asks of a store that it borrows.
type loanQuestion struct {
	// ID is that of the store's location, Do one of the constants.
	ID string `json:"id"`
	Do string `json:"do"`
	// Name is for resolve and commit.
	Name string `json:"name,omitempty"`
	// Blob is what to read or fetch a part of, or to push. Fetch writes File and
	// push reads it; without File, push finds out whether it is needed. Files are
	// in the volume of the state.
	Blob loanBlob `json:"blob"`
	File string   `json:"file,omitempty"`
	// Offset and Length are for read and fetch.
	Offset int64 `json:"offset,omitempty"`
	Length int64 `json:"length,omitempty"`
	// MediaType, Data and Previous are for commit.
	MediaType string `json:"media_type,omitempty"`
	Data      []byte `json:"data,omitempty"`
	Previous  string `json:"previous,omitempty"`
}

// loanAnswer is what a phase gets for it.
type loanAnswer struct {
	Blob loanBlob `json:"blob"`
	Data []byte   `json:"data,omitempty"`
	Sent int64    `json:"sent,omitempty"`
	// Needed says that a blob has to be pushed.
	Needed bool `json:"needed,omitempty"`
}

// loanBlob is a descriptor, which JSON has no form for while its digest is not
// known.
type loanBlob struct {
	MediaType types.MediaType `json:"media_type,omitempty"`
	Digest    string          `json:"digest,omitempty"`
	Size      int64           `json:"size"`
}

func blobOf(d v1.Descriptor) loanBlob {
	return loanBlob{MediaType: d.MediaType, Digest: digestText(d.Digest), Size: d.Size}
}

func (b loanBlob) descriptor() (v1.Descriptor, error) {
	digest, err := parseDigest(b.Digest)
	return v1.Descriptor{MediaType: b.MediaType, Digest: digest, Size: b.Size}, err
}

func digestText(digest v1.Hash) string {
	if digest == (v1.Hash{}) {
		return ""
	}
	return digest.String()
}

func parseDigest(text string) (v1.Hash, error) {
	if text == "" {
		return v1.Hash{}, nil
	}
	return v1.NewHash(text)
}

// lender is the caller's side of its loans.
type lender struct {
	place lifecycle.Place
	loans map[string]Lending
	// export is set if the phase is export, the only one that writes.
	export bool
}

// check fails if a phase asks for what it has no right to, or for what no phase
// asks for.
func (l lender) check(loan Lending, q loanQuestion) error {
	writes := q.Do == loanPush || q.Do == loanCommit
	names := q.Do == loanResolve || q.Do == loanCommit
	switch {
	case writes && !(l.export && loan.Write):
		return fmt.Errorf("%s is only read by this phase: %w", loan.Store, layers.ErrDenied)
	case names && q.Name != loan.Name && !loan.anyName:
		return fmt.Errorf("%q in %s is not for this phase: %w", q.Name, loan.Store, layers.ErrDenied)
	case q.File != "" && !isLoan(q.File):
		return fmt.Errorf("%q is not a file of a loan", q.File)
	case q.Blob.Size < 0 || q.Offset < 0 || q.Length < 0 || q.Length > pieceSize:
		return fmt.Errorf("a part of %d bytes from %d on, of a blob of %d bytes, cannot be had", q.Length, q.Offset, q.Blob.Size)
	case len(q.MediaType) > maxMediaType || len(q.Blob.MediaType) > maxMediaType:
		return errors.New("the media type is too long")
	}
	return nil
}

// maxMediaType is how long a media type may be (RFC 6838, section 4.2).
const maxMediaType = 255

// answer does what a phase asks for.
func (l lender) answer(ctx context.Context, q loanQuestion) (loanAnswer, error) {
	loan, ok := l.loans[q.ID]
	if !ok {
		return loanAnswer{}, fmt.Errorf("there is no loan of %q for this phase", q.ID)
	}
	if err := l.check(loan, q); err != nil {
		return loanAnswer{}, err
	}
	blob, blobErr := q.Blob.descriptor()
	previous, err := parseDigest(q.Previous)
	if err := errors.Join(err, blobErr); err != nil {
		return loanAnswer{}, err
	}
	store := loan.Store
	var a loanAnswer
	switch q.Do {
	case loanResolve:
		blob, a.Data, err = store.Resolve(ctx, q.Name)
	case loanRead:
		a.Data, err = read(ctx, store, blob, q.Offset, q.Length)
	case loanFetch:
		err = l.fetch(ctx, store, blob, q)
	case loanPush:
		var pushed layers.Pushed
		pushed, a.Needed, err = l.push(ctx, store, blob, q.File)
		blob, a.Sent = pushed.Descriptor, pushed.Sent
	case loanCommit:
		blob, err = store.Commit(ctx, q.Name, q.MediaType, q.Data, previous)
	default:
		err = fmt.Errorf("a store cannot be asked to %q", q.Do)
	}
	a.Blob = blobOf(blob)
	return a, err
}

// read reads a small part of a blob.
func read(ctx context.Context, store layers.Store, blob v1.Descriptor, offset, length int64) ([]byte, error) {
	if length < 0 || length > maxInline {
		return nil, fmt.Errorf("%d bytes are too many for a message", length)
	}
	reader, err := store.Open(ctx, blob, offset, length)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return io.ReadAll(reader)
}

// fetch brings a part of a blob to a file in the volume of the state.
func (l lender) fetch(ctx context.Context, store layers.Store, described v1.Descriptor, q loanQuestion) error {
	blob, err := store.Open(ctx, described, q.Offset, q.Length)
	if err != nil {
		return err
	}
	defer blob.Close()
	err = l.importFile(ctx, q.File, q.Length, blob)
	if short, ok := errors.AsType[*shortError](err); ok {
		return fmt.Errorf("blob %s ends after %d of %d bytes: %w", q.Blob.Digest, q.Offset+short.after, q.Blob.Size, layers.ErrCorrupt)
	}
	return err
}

// importFile writes a file of the given size in the volume of the state.
func (l lender) importFile(ctx context.Context, name string, size int64, content io.Reader) error {
	reader, pipe := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := archive(pipe, name, size, content)
		pipe.CloseWithError(err)
		written <- err
	}()
	err := l.place.Import(ctx, lifecycle.VolumeState, reader)
	reader.CloseWithError(io.ErrClosedPipe)
	if writeErr := <-written; writeErr != nil && !errors.Is(writeErr, io.ErrClosedPipe) {
		return writeErr
	}
	return err
}

// archive writes a file as the only one of an archive.
func archive(to io.Writer, name string, size int64, content io.Reader) error {
	writer := tar.NewWriter(to)
	if err := writer.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, Size: size}); err != nil {
		return err
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{writer}, content, make([]byte, 256<<10))
	if err != nil {
		return err
	}
	if n < size {
		return &shortError{n}
	}
	return writer.Close()
}

// shortError says that content ends too early.
type shortError struct{ after int64 }

// Error implements error.
func (e *shortError) Error() string { return fmt.Sprintf("it ends after %d bytes", e.after) }

// errNeeded stops a push whose content is not at hand yet.
var errNeeded = errors.New("the content is needed")

// push stores a blob from a file in the volume of the state. Without one, it
// finds out whether that is needed.
func (l lender) push(ctx context.Context, store layers.Store, want v1.Descriptor, file string) (pushed layers.Pushed, needed bool, err error) {
	pushed, err = store.Push(ctx, want, func() (io.ReadCloser, error) {
		if file == "" {
			return nil, errNeeded
		}
		return l.place.Export(ctx, lifecycle.VolumeState, file)
	})
	if errors.Is(err, errNeeded) {
		return layers.Pushed{}, true, nil
	}
	return pushed, false, err
}
