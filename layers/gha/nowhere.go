package gha

import (
	"context"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers"
)

// Nowhere is the Store where there is no cache service, because what says where
// it is is missing: it has nothing, and takes nothing.
type Nowhere struct {
	// Missing are the variables that there should be.
	Missing []string
}

var (
	_ layers.Store   = Nowhere{}
	_ layers.Lister  = Nowhere{}
	_ layers.Deleter = Nowhere{}
)

// String returns "gha".
func (n Nowhere) String() string { return "gha" }

// Resolve implements layers.Store.
func (n Nowhere) Resolve(ctx context.Context, name string) (v1.Descriptor, []byte, error) {
	return v1.Descriptor{}, nil, n.failed(ctx, "read", name, layers.ErrNotFound)
}

// Open implements layers.Store.
func (n Nowhere) Open(ctx context.Context, blob v1.Descriptor, _, _ int64) (io.ReadCloser, error) {
	return nil, n.failed(ctx, "read", "blob "+blob.Digest.String(), layers.ErrNotFound)
}

// Push implements layers.Store.
func (n Nowhere) Push(ctx context.Context, _ v1.Descriptor, _ func() (io.ReadCloser, error)) (layers.Pushed, error) {
	return layers.Pushed{}, n.failed(ctx, "write", "blobs", layers.ErrDenied)
}

// Commit implements layers.Store.
func (n Nowhere) Commit(ctx context.Context, name, _ string, _ []byte, _ v1.Hash) (v1.Descriptor, error) {
	return v1.Descriptor{}, n.failed(ctx, "write", name, layers.ErrDenied)
}

// List implements layers.Lister. It fails: what cannot be read is not listed.
func (n Nowhere) List(ctx context.Context) ([]layers.Listed, error) {
	return nil, n.failed(ctx, "list", "caches", layers.ErrDenied)
}

// Delete implements layers.Deleter.
func (n Nowhere) Delete(ctx context.Context, name string, _ v1.Hash) error {
	return n.failed(ctx, "delete", name, layers.ErrDenied)
}

func (n Nowhere) failed(ctx context.Context, op, what string, cause error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	verb := " is not set"
	if len(n.Missing) > 1 {
		verb = " are not set"
	}
	return &failure{op: op, what: what, cause: cause, reason: strings.Join(n.Missing, " and ") + verb,
		hint: "this works in a job of GitHub Actions, whose run steps do not see these variables by themselves: use the action that exports them, see docs/github-actions.md"}
}
