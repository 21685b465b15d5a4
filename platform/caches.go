package platform

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers/kinds"
)

// checkCaches returns the exports that are images, and refuses what cannot be saved
// to.
func (r *resolved) checkCaches() ([]purpose, error) {
	var caches []purpose
	for _, at := range r.Exports {
		image := at.Facts().Image
		if image == nil {
			continue
		}
		cache := purpose{"cache image", image.String(), image}
		if err := cache.refuseDigest(); err != nil {
			return nil, err
		}
		for _, other := range caches {
			if other.tag() == cache.tag() {
				return nil, savedTwice(cache.written)
			}
		}
		caches = append(caches, cache)
	}
	r.imports = slices.Clone(r.Imports)
	for _, at := range r.Exports {
		if at.Inline && r.Output.To == ToNowhere {
			return nil, hint.Usagef("choose another type", "a cache of type=inline is part of the app image, and there will be none")
		}
		if at.Inline {
			if slices.ContainsFunc(r.exports, func(other kinds.Export) bool { return other.Inline }) {
				return nil, savedTwice("the app image")
			}
			at.Location = at.InApp(r.names[0].ref)
		}
		r.exports = append(r.exports, at)
	}
	return caches, nil
}

func savedTwice(where string) error {
	return hint.Usagef("leave out one of the two exports", "the cache would be saved to %s twice", where)
}

// locations are where the caches of the build are, imports first.
func (r *resolved) locations() []*kinds.Location {
	var all []*kinds.Location
	for i := range r.imports {
		all = append(all, &r.imports[i].Location)
	}
	for i := range r.exports {
		all = append(all, &r.exports[i].Location)
	}
	return all
}

// insecureHosts are the registry hosts that credentials may be asked of without
// verified TLS.
func (r *resolved) insecureHosts() []string {
	hosts := slices.Clone(r.Insecure)
	for _, at := range r.locations() {
		if at.Facts().Insecure {
			hosts = append(hosts, at.Host())
		}
	}
	return hosts
}

// lend opens the stores that phases borrow, and notes how they find the keys to
// others. It may be called again when there are more.
func (r *resolved) lend(ctx context.Context) error {
	for i := range r.imports {
		if err := r.lendOne(ctx, fmt.Sprintf("import %d", i+1), &r.imports[i].Location); err != nil {
			return err
		}
	}
	for i := range r.exports {
		at := &r.exports[i].Location
		for _, other := range r.exports[:i] {
			if at.String() == other.String() {
				return savedTwice(at.String())
			}
		}
		if err := r.lendOne(ctx, fmt.Sprintf("export %d", i+1), at); err != nil {
			return err
		}
	}
	return nil
}

func (r *resolved) lendOne(ctx context.Context, id string, at *kinds.Location) error {
	if at.ID != "" {
		return nil
	}
	at.ID = id
	if login := at.Login(); login != nil {
		r.logins[id] = login
	}
	if at.Facts().Dir == "" {
		return nil
	}
	store, err := at.Open(ctx, kinds.Access{})
	if err != nil {
		return fmt.Errorf("cache %s: %w", at, err)
	}
	r.loans[id] = store
	return nil
}

// withoutCaches leaves caches, the file with the secrets of a named one, and an
// app image that goes to a file or directory, out of the source if they are below
// it.
func (r *resolved) withoutCaches(keep func(path string, dir bool) bool) func(path string, dir bool) bool {
	var caches []string
	for _, at := range r.locations() {
		dir := at.Facts().Dir
		if below, ok := pathBelow(r.AppDir, dir); dir != "" && ok {
			caches = append(caches, below)
		}
	}
	if c := r.ImageCache; c != nil && c.DotEnv != "" {
		if below, ok := pathBelow(r.AppDir, c.DotEnv); ok {
			caches = append(caches, below)
		}
	}
	if dir := r.Output.Path; dir != "" {
		if below, ok := pathBelow(r.AppDir, dir); ok {
			caches = append(caches, below)
		}
	}
	return func(path string, dir bool) bool {
		for _, cache := range caches {
			if path == cache || strings.HasPrefix(path, cache+"/") {
				return false
			}
		}
		return keep(path, dir)
	}
}

// pathBelow returns how dir is called below parent, if it is there.
func pathBelow(parent, dir string) (string, bool) {
	below, err := filepath.Rel(resolvePath(parent), resolvePath(dir))
	return filepath.ToSlash(below), err == nil && filepath.IsLocal(below) && below != "."
}

// resolvePath is the absolute path without symbolic links in the part that exists.
func resolvePath(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if parent := filepath.Dir(path); parent != path {
		return filepath.Join(resolvePath(parent), filepath.Base(path))
	}
	return path
}
