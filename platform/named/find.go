package named

import (
	"cmp"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pack-cache/pack-cache/internal/attrs"
	"github.com/pack-cache/pack-cache/internal/grammar"
	"github.com/pack-cache/pack-cache/internal/hint"
)

// Input says where to look for a named cache, and whom the user trusts.
type Input struct {
	// Config is the file that the user named; "" is the first pack-cache.toml in
	// Dirs.
	Config string
	Dirs   []string
	// Source is the application's source. What is below it is nobody's own.
	Source string
	// Own is the user's own file, which goes before the other; "" for none. It
	// need not exist.
	Own string
	// Hosts are the registries that the user has named elsewhere.
	Hosts []string
	// Env finds variables of the environment.
	Env attrs.Lookup
}

// trusts reports whether the user has named a registry.
func (in Input) trusts(host string) bool {
	return slices.ContainsFunc(in.Hosts, func(h string) bool { return grammar.Host(h) == grammar.Host(host) })
}

func (in Input) ownPath() string { return cmp.Or(in.Own, FileName+" in $PACK_HOME") }

// Find returns the cache with a name, its variables replaced. The error is an
// *hint.UsageError.
func Find(name string, in Input) (*Cache, error) {
	files, err := in.files()
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.own {
			in.Hosts = slices.Concat(in.Hosts, f.hosts)
		}
	}
	var known []string
	for _, f := range files {
		for _, e := range f.entries {
			if e.Name == name {
				return f.resolve(e, in)
			}
			known = append(known, e.Name)
		}
	}
	if len(files) == 0 {
		return nil, hint.Usagef("write one with [[image_caches]], or name it with --cache-config",
			"there is no %s in %s, so no cache is called %q", FileName, strings.Join(in.places(), ", "), name)
	}
	way := "there is none in " + in.paths(files)
	if len(known) > 0 {
		way = attrs.DidYouMean(name, known) + "there are: " + strings.Join(known, ", ") + " (" + in.paths(files) + ")"
	}
	return nil, hint.Usagef(way, "no cache is called %q", name)
}

// Names lists the caches that there are, in their order, each once.
func Names(in Input) ([]string, error) {
	files, err := in.files()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range files {
		for _, e := range f.entries {
			if !slices.Contains(names, e.Name) {
				names = append(names, e.Name)
			}
		}
	}
	return names, nil
}

// files reads the files that there are, the user's own first.
func (in Input) files() ([]*file, error) {
	var all []*file
	if in.Own != "" && in.Source != "" && isBelow(in.Source, in.Own) {
		in.Dirs = append(slices.Clone(in.Dirs), filepath.Dir(in.Own))
		in.Own = ""
	}
	if in.Own != "" {
		own, err := read(in.Own, true)
		switch {
		case err == nil:
			all = append(all, own)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	if in.Config != "" && len(all) > 0 && realPath(in.Config) == realPath(in.Own) {
		return all, nil
	}
	if in.Config != "" {
		named, err := read(in.Config, false)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, hint.Usagef("check the path", "--cache-config %s: there is no such file", in.Config)
		}
		if err != nil {
			return nil, err
		}
		return append(all, named), nil
	}
	for _, dir := range in.Dirs {
		path := filepath.Join(dir, FileName)
		if in.Own != "" && realPath(path) == realPath(in.Own) {
			continue
		}
		found, err := read(path, false)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return append(all, found), nil
	}
	return all, nil
}

func (in Input) places() []string {
	if in.Own == "" {
		return in.Dirs
	}
	return append(slices.Clone(in.Dirs), filepath.Dir(in.Own))
}

func (in Input) paths(files []*file) string {
	var paths []string
	for _, f := range files {
		paths = append(paths, f.path)
	}
	return strings.Join(paths, ", ")
}
