package unpack

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/progress"
)

// OntoOptions say how Onto unpacks.
type OntoOptions struct {
	// Owner is that of Options.
	Owner func(uid, gid int) (hostUID, hostGID int, chown bool)
	// Keep are paths, as if the directory were the root, that stay as they are
	// with all that is below them, whatever the image has there.
	Keep []string
}

// Onto unpacks img as one tree, like Flat, onto a directory that may have files
// in it: they count as those of a layer below the image's. Nobody else changes
// the directory meanwhile. Where that fails, something half done is left.
func Onto(ctx context.Context, img v1.Image, dir string, opts OntoOptions, report progress.Reporter) error {
	if report == nil {
		report = progress.Discard
	}
	layers, err := describe(img)
	if err != nil {
		return err
	}
	s := &Store{
		dir: dir, opts: Options{Owner: opts.Owner},
		chunks: sync.Pool{New: func() any { b := make([]byte, chunkSize); return &b }},
	}
	report.Info(fetching(layers, len(layers)))
	keep := &keeping{}
	for _, p := range opts.Keep {
		keep.paths = append(keep.paths, path.Clean("/" + p)[1:])
	}
	return s.flatten(ctx, dir, layers, keep, report)
}

// keeping says which paths of a tree are not to be touched. A nil one says none.
type keeping struct{ paths []string }

// all tells whether a path, relative to the root, stays with all below it.
func (k *keeping) all(full string) bool {
	return k != nil && slices.ContainsFunc(k.paths, func(kept string) bool {
		return full == kept || strings.HasPrefix(full, kept+"/")
	})
}

// some tells whether something below a path stays.
func (k *keeping) some(full string) bool {
	return k != nil && slices.ContainsFunc(k.paths, func(kept string) bool {
		return full == "" || strings.HasPrefix(kept, full+"/")
	})
}

// closed tells whether an entry other than a directory cannot be made because
// the root itself cannot be written to. There builders have links for the sake of
// old lifecycles.
func (k *keeping) closed(hdr *tar.Header, err error) bool {
	dir, _ := splitLast(path.Clean("/" + hdr.Name)[1:])
	return k != nil && dir == "" && hdr.Typeflag != tar.TypeDir && errors.Is(err, syscall.EACCES)
}

// forgive makes it no error that a directory which was there before does not let
// itself be changed.
func (k *keeping) forgive(err error) error {
	if k != nil && (errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EROFS)) {
		return nil
	}
	return err
}

// keepNote is how often an image's files made way, for the log.
func (t *tree) keepNote(full string) { t.notes[fmt.Sprintf("what is at %s", quote("/"+full))]++ }
