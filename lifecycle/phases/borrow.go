package phases

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/until"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/kinds"
)

// loansDir holds the blobs that are on their way between a phase and its caller.
// It is in the volume of the state, which no buildpack sees.
const loansDir = "loans"

// newLoan names a file for a blob.
func newLoan() string { return loansDir + "/" + rand.Text() }

// isLoan reports whether newLoan has made a name.
func isLoan(name string) bool { return loanName.MatchString(name) }

var loanName = regexp.MustCompile(`^` + loansDir + `/[A-Z2-7]{26}$`)

// borrowed is a store that the phase's caller reads and writes for it. What is
// said about it travels in messages, what is in it through the volume of the
// state: an engine need not let a phase see a file of the machine, and the files
// of a store never have another owner than the user.
type borrowed struct {
	link *link
	// id is that of the store's location, name what the store calls itself.
	id, name string
	// state is the directory that the volume of the state is mounted at.
	state string
}

var _ layers.Store = (*borrowed)(nil)

// borrow returns the store at a location, always the same for one.
func (j *job) borrow(at kinds.Location) (*borrowed, error) {
	if store, ok := j.loans[at.ID]; ok {
		return store, nil
	}
	store, err := newBorrowed(j.link, at.ID, at.Facts().Dir, j.Paths.State)
	if err == nil {
		j.loans[at.ID] = store
	}
	return store, err
}

func newBorrowed(link *link, id, name, state string) (*borrowed, error) {
	if err := os.MkdirAll(filepath.Join(state, loansDir), 0o700); err != nil {
		return nil, fmt.Errorf("borrow %s: %w", name, err)
	}
	return &borrowed{link: link, id: id, name: name, state: state}, nil
}

// String implements layers.Store.
func (b *borrowed) String() string { return b.name }

// ask asks the caller something about the store.
func (b *borrowed) ask(ctx context.Context, q loanQuestion) (loanAnswer, v1.Descriptor, error) {
	q.ID = b.id
	a, err := b.link.ask(ctx, question{Loan: &q})
	if err != nil {
		return loanAnswer{}, v1.Descriptor{}, err
	}
	if a.Loan == nil {
		return loanAnswer{}, v1.Descriptor{}, fmt.Errorf("an answer about %s says nothing", b)
	}
	blob, err := a.Loan.Blob.descriptor()
	return *a.Loan, blob, err
}

// Resolve implements layers.Store.
func (b *borrowed) Resolve(ctx context.Context, name string) (v1.Descriptor, []byte, error) {
	a, manifest, err := b.ask(ctx, loanQuestion{Do: loanResolve, Name: name})
	return manifest, a.Data, err
}

// Commit implements layers.Store.
func (b *borrowed) Commit(ctx context.Context, name string, mediaType string, manifest []byte, previous v1.Hash) (v1.Descriptor, error) {
	_, committed, err := b.ask(ctx, loanQuestion{
		Do: loanCommit, Name: name, MediaType: mediaType, Data: manifest, Previous: digestText(previous),
	})
	return committed, err
}

// Push implements layers.Store.
func (b *borrowed) Push(ctx context.Context, want v1.Descriptor, open func() (io.ReadCloser, error)) (layers.Pushed, error) {
	if want.Digest != (v1.Hash{}) {
		a, stored, err := b.ask(ctx, loanQuestion{Do: loanPush, Blob: blobOf(want)})
		if err != nil || !a.Needed {
			return layers.Pushed{Descriptor: stored, Sent: a.Sent}, err
		}
	}
	if err := ctx.Err(); err != nil {
		return layers.Pushed{}, err
	}
	source, err := open()
	if err != nil {
		return layers.Pushed{}, err
	}
	path := newLoan()
	defer os.Remove(filepath.Join(b.state, path))
	digest, err := b.spool(ctx, path, source)
	if err != nil {
		return layers.Pushed{}, err
	}
	a, stored, err := b.ask(ctx, loanQuestion{Do: loanPush, Blob: blobOf(want), File: path})
	if err == nil && stored.Digest != digest {
		err = fmt.Errorf("blob %s became %s on its way to %s: %w", digest, stored.Digest, b, layers.ErrCorrupt)
	}
	if err != nil {
		return layers.Pushed{}, err
	}
	return layers.Pushed{Descriptor: stored, Sent: a.Sent}, nil
}

// spool writes a source, which it closes, to a file and returns its digest.
func (b *borrowed) spool(ctx context.Context, path string, source io.ReadCloser) (v1.Hash, error) {
	file, err := os.OpenFile(filepath.Join(b.state, path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return v1.Hash{}, errors.Join(err, source.Close())
	}
	hash := sha256.New()
	_, err = io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(file, hash)}, until.Reader(ctx, source), make([]byte, 256<<10))
	if closed := source.Close(); err == nil {
		err = closed
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(hash.Sum(nil))}, err
}
