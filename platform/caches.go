package platform

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers/kinds"
)

// checkCaches normalises the imports and the exports, and returns those of the
// latter that are images.
func (r *resolved) checkCaches() ([]purpose, error) {
	var caches []purpose
	for _, at := range r.Exports {
		if written, ok := at.Attrs["ref"]; ok {
			ref, err := r.parseOutput("cache image", written)
			if err != nil {
				return nil, err
			}
			for _, other := range caches {
				if other.tag() == (purpose{"", written, ref}).tag() {
					return nil, savedTwice(written)
				}
			}
			caches = append(caches, purpose{"cache image", written, ref})
		}
	}
	var err error
	for _, at := range r.Imports {
		if at.Location, err = r.normalise(at.Location); err != nil {
			return nil, err
		}
		r.imports = append(r.imports, at)
	}
	for _, at := range r.Exports {
		if at.Inline && r.Output.To == ToNowhere {
			return nil, hint.Usagef("choose another type", "a cache of type=inline is part of the app image, and there will be none")
		}
		if at.Inline {
			if slices.ContainsFunc(r.exports, func(other kinds.Export) bool { return other.Inline }) {
				return nil, savedTwice("the app image")
			}
			at.Attrs = map[string]string{"ref": r.app}
		}
		if at.Location, err = r.normalise(at.Location); err != nil {
			return nil, err
		}
		r.exports = append(r.exports, at)
	}
	return caches, nil
}

func savedTwice(where string) error {
	return hint.Usagef("leave out one of the two exports", "the cache would be saved to %s twice", where)
}

// normalise resolves the reference of a registry cache.
func (r *resolved) normalise(at kinds.Location) (kinds.Location, error) {
	written, ok := at.Attrs["ref"]
	if !ok {
		return at, nil
	}
	ref, err := r.parse("cache image", written)
	if err != nil {
		return at, err
	}
	attrs := maps.Clone(at.Attrs)
	if slices.Contains(r.Insecure, ref.Context().RegistryStr()) {
		attrs[insecureAttr] = "true"
	}
	attrs["ref"] = ref.Name()
	at.Attrs = attrs
	return at, nil
}

// insecureAttr is the attribute of a location whose registry may be reached
// without verified TLS.
const insecureAttr = "registry.insecure"

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
		if ref, err := name.ParseReference(at.Attrs["ref"], name.WeakValidation); err == nil && at.Attrs[insecureAttr] == "true" {
			hosts = append(hosts, ref.Context().RegistryStr())
		}
	}
	return hosts
}

// lend opens the stores that phases borrow, and notes how they find the keys to
// others. It may be called again when there are more.
func (p *Platform) lend(ctx context.Context, r *resolved) error {
	for _, at := range r.locations() {
		if at.Loan != nil || at.Login > 0 {
			continue
		}
		kind, err := p.Caches.Of(*at)
		if err != nil {
			return err
		}
		if !kind.Lent {
			if login := p.Caches.Login(*at); login != nil {
				r.logins = append(r.logins, login)
				at.Login = len(r.logins)
			}
			continue
		}
		store, snapshot, err := p.Caches.Open(ctx, *at, p.Keychain)
		if err != nil {
			return fmt.Errorf("cache %s: %w", at, err)
		}
		at.Loan = &kinds.Loan{Number: len(r.loans), Store: store.String(), Name: snapshot}
		r.loans = append(r.loans, store)
	}
	for i, at := range r.exports {
		for _, other := range r.exports[:i] {
			if (at.Loan != nil || at.Label != "") && at.String() == other.String() {
				return savedTwice(at.String())
			}
		}
	}
	return nil
}

// withoutCaches leaves caches, the file with the secrets of a named one, and an
// app image that goes to a file or directory, out of the source if they are below
// it.
func (r *resolved) withoutCaches(keep func(path string, dir bool) bool) func(path string, dir bool) bool {
	var caches []string
	for _, at := range r.locations() {
		dir := cmp.Or(at.Attrs["dest"], at.Attrs["src"])
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
