package debian

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/internal/test/samples/rootfs"
)

// Cache keeps downloaded packages in a directory. Several processes may use one
// directory: whoever downloads holds a lock.
type Cache struct {
	Dir string
	// Progress hears of downloads. It may not be nil.
	Progress progress.Reporter
}

// Package is one downloaded package file.
type Package struct {
	// File is the name of the .deb file in the cache: name, version and
	// architecture.
	File string `json:"file"`
	Size int64  `json:"size"`
	// SHA256 is the file's digest in hex.
	SHA256 string `json:"sha256"`
}

// Closure returns the named packages and everything that they depend on, as
// if nothing were installed. Recommended packages are left out.
func (c Cache) Closure(ctx context.Context, names ...string) ([]Package, error) {
	return c.get(ctx, []string{"install", "--no-install-recommends"}, names)
}

// Only returns the named packages alone.
func (c Cache) Only(ctx context.Context, names ...string) ([]Package, error) {
	return c.get(ctx, []string{"download"}, names)
}

// get answers from the cache or, under its lock, fills it. What was resolved
// once stays as it is until the cache is deleted.
func (c Cache) get(ctx context.Context, verb, names []string) ([]Package, error) {
	index, err := c.index(verb, names)
	if err != nil {
		return nil, err
	}
	if pkgs, err := c.load(index); err == nil {
		return pkgs, nil
	}
	unlock, err := rootfs.Lock(ctx, filepath.Join(c.Dir, "lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	if pkgs, err := c.load(index); err == nil {
		return pkgs, nil
	}
	pkgs, err := c.download(ctx, verb, names)
	if err != nil {
		return nil, fmt.Errorf("get Debian packages %s: %w", strings.Join(names, ", "), err)
	}
	raw, err := json.MarshalIndent(pkgs, "", "  ")
	if err != nil {
		return nil, err
	}
	return pkgs, rootfs.WriteFile(index, raw)
}

// index is the file that says what a request resolved to on this release.
func (c Cache) index(verb, names []string) (string, error) {
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "", fmt.Errorf("find out the release: %w", err)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %s", verb, names, release))
	return filepath.Join(c.Dir, "resolved", hex.EncodeToString(sum[:12])+".json"), nil
}

func (c Cache) load(index string) ([]Package, error) {
	raw, err := os.ReadFile(index)
	if err != nil {
		return nil, err
	}
	var pkgs []Package
	if err := json.Unmarshal(raw, &pkgs); err != nil {
		return nil, err
	}
	for _, p := range pkgs {
		info, err := os.Stat(c.path(p))
		if err != nil {
			return nil, err
		}
		if info.Size() != p.Size {
			return nil, errors.New("package file of another size")
		}
	}
	return pkgs, nil
}

func (c Cache) path(p Package) string { return filepath.Join(c.archives(), p.File) }

func (c Cache) archives() string { return filepath.Join(c.Dir, "archives") }
