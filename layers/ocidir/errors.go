package ocidir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers"
)

// failure is what went wrong with the directory.
type failure struct {
	op    string // "write"
	dir   string
	cause error
	kind  error // one of the errors of package layers, or nil
	hint  string
}

// Error implements error.
func (f *failure) Error() string { return fmt.Sprintf("cannot %s %s: %v", f.op, f.dir, f.cause) }

// Unwrap returns what went wrong, and what that means.
func (f *failure) Unwrap() []error {
	if f.kind == nil {
		return []error{f.cause}
	}
	return []error{f.kind, f.cause}
}

// Hint says what the user can do.
func (f *failure) Hint() string { return f.hint }

// failed says what an error of a file means for the store.
func (s *Store) failed(op string, err error) error {
	if already, ok := errors.AsType[*failure](err); ok {
		return already
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	f := &failure{op: op, dir: s.dir, cause: err}
	switch {
	case hint.Of(err) != "":
		f.hint = hint.Of(err)
	case errors.Is(err, fs.ErrNotExist):
		f.kind = layers.ErrNotFound
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		f.kind = layers.ErrDenied
		f.hint = fmt.Sprintf("give this user the right to %s %s, or choose another directory", op, s.dir)
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		f.hint = "make room on the file system of " + s.dir
	}
	return f
}

func (s *Store) notFound(what string) error {
	return &failure{op: "read", dir: s.dir, cause: fmt.Errorf("%s is not there", what), kind: layers.ErrNotFound}
}

// damaged says that something of what name stands for is lost or broken.
func (s *Store) damaged(name, what string, digest v1.Hash) error {
	return &layers.DamagedError{Where: layers.At(s.dir, name), What: what, Digest: digest}
}

// conflict says that name stands for something else than the caller believes.
func (s *Store) conflict(name string) error {
	return &failure{op: "write to", dir: s.dir, cause: fmt.Errorf("%s: %w", name, layers.ErrConflict)}
}
