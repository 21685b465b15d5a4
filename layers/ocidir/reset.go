package ocidir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/layers"
)

// grace is how long a blob stays that nothing leads to while others write: they
// may have written it just now, and commit it next.
const grace = time.Hour

// superseded returns the paths of the blobs that nothing leads to when one
// index.json takes the place of another. While others write, these are those that
// the old one led to, and what has been lying there for long.
func (s *Store) superseded(root *os.Root, before, after []byte) ([]string, error) {
	loose, err := unreached(root, after)
	if err != nil || !s.writing.others(root) {
		return loose, err
	}
	led := map[string]bool{}
	if err := reach(root, types.OCIImageIndex, before, led); err != nil {
		return nil, err
	}
	var paths []string
	for _, name := range loose {
		info, err := root.Stat(name)
		if led[path.Base(name)] || err == nil && time.Since(info.ModTime()) > grace {
			paths = append(paths, name)
		}
	}
	return paths, nil
}

// unreached returns the paths of the blobs that nothing in an index.json leads
// to.
func unreached(root *os.Root, index []byte) ([]string, error) {
	reached := map[string]bool{}
	if err := reach(root, types.OCIImageIndex, index, reached); err != nil {
		return nil, err
	}
	dir, err := root.Open(blobsName)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, name := range names {
		if _, err := v1.NewHash("sha256:" + name); err == nil && !reached[name] {
			paths = append(paths, blobsName+"/"+name)
		}
	}
	return paths, nil
}

// reach notes everything that a manifest leads to. Only what certainly leads
// nowhere may be missing from it. That is what is no manifest, and what is
// damaged: nobody can make anything of it.
func reach(root *os.Root, mediaType types.MediaType, raw []byte, reached map[string]bool) error {
	children, err := childrenOf(raw)
	if err != nil {
		if json.Valid(raw) && (mediaType.IsImage() || mediaType.IsIndex()) {
			return err
		}
		return nil
	}
	for _, child := range children {
		if reached[child.Digest.Hex] {
			continue
		}
		reached[child.Digest.Hex] = true
		// Manifests are JSON, whatever they are called.
		if !strings.Contains(string(child.MediaType), "json") || child.Size > maxManifest {
			continue
		}
		content, err := readManifest(root, child.Digest)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, layers.ErrCorrupt) {
			continue // and so is what it led to, for everybody
		}
		if err != nil {
			return err
		}
		if err := reach(root, child.MediaType, content, reached); err != nil {
			return fmt.Errorf("%s: %w", child.Digest, err)
		}
	}
	return nil
}

// childrenOf lists what a manifest, an index or an artifact refers to.
func childrenOf(raw []byte) ([]v1.Descriptor, error) {
	var read struct {
		Config, Subject          *v1.Descriptor
		Layers, Manifests, Blobs []v1.Descriptor
	}
	if err := bounds.JSON(raw, &read); err != nil {
		return nil, err
	}
	all := append(append(read.Layers, read.Manifests...), read.Blobs...)
	for _, one := range []*v1.Descriptor{read.Config, read.Subject} {
		if one != nil && one.Digest != (v1.Hash{}) {
			all = append(all, *one)
		}
	}
	return all, nil
}
