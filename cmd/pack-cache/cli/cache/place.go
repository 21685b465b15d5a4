package cache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/caches"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
	"github.com/pack-cache/pack-cache/internal/attrs"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/blob"
	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/platform"
)

// common are the flags that all of the commands have.
type common struct {
	*global.Flags
	named    caches.NamedFlags
	insecure []string
	output   string
}

func (c *common) add(cmd *cobra.Command) {
	c.named.Add(cmd.Flags())
	cmd.Flags().StringArrayVar(&c.insecure, "insecure-registry", nil, "registry host to reach without verified TLS (repeatable)")
	cmd.Flags().StringVar(&c.output, "output", "text", "form of the result on standard output: text or json")
}

func (c *common) check() error {
	if c.output != "text" && c.output != "json" {
		return hint.Usagef("choose text or json", "--output %q is not known", c.output)
	}
	return nil
}

// json writes a value to standard output.
func (c *common) json(value any) error {
	encoder := json.NewEncoder(c.Streams.Out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// place is a cache that the user names.
type place struct {
	platform.CacheAccess
	// written is how the user names it.
	written string
	timeout time.Duration
	// anyTarget is set for a named cache without its target.
	anyTarget bool
	// names are the caches that the user names in it; nil for none.
	names []string
}

// namedAttrs are the attributes of type=named.
type namedAttrs struct {
	Name   string `attr:"name" required:"true" help:"of the cache in pack-cache.toml"`
	Target string `attr:"target" help:"as in its reference, such as linux-amd64-debian-13"`
}

// from reads an argument that is read from.
func (c *common) from(written string) (place, error) { return c.read(written, "") }

// all reads an argument that stands for all caches that are kept in a place, and
// needs to name none.
func (c *common) all(written string) (place, error) { return c.read(written, "any") }

func (c *common) read(written, image string) (place, error) {
	if pairs, ok := isNamed(written); ok {
		return c.namedPlace(written, pairs, false)
	}
	at, err := caches.Import("CACHE", written, image)
	if err != nil {
		return place{}, err
	}
	return place{CacheAccess: platform.CacheAccess{At: at.Location}, written: written, timeout: at.Timeout, names: at.Names}, nil
}

// to reads an argument that is written to.
func (c *common) to(written string) (place, error) {
	if pairs, ok := isNamed(written); ok {
		return c.namedPlace(written, pairs, true)
	}
	at, err := caches.Export("TO", written, "")
	if err != nil {
		return place{}, err
	}
	if at.Inline {
		return place{}, hint.Usagef("build the image with --export-cache type=inline", "TO: an inline cache is part of an app image")
	}
	plain := kinds.Export{Location: at.Location, Compression: at.Compression, Timeout: at.Timeout}
	if at.Max != plain.Max || at.Required || at.ForceCompression || at.DockerMediaTypes ||
		at.Compression.Level != nil || at.Compression.Codec != blob.Zstd {
		return place{}, hint.Usagef("leave out mode, ignore-error, oci-mediatypes, compression, compression-level and force-compression",
			"TO: a copy is made byte for byte")
	}
	access := platform.CacheAccess{At: at.Location, Push: true}
	return place{CacheAccess: access, written: written, timeout: at.Timeout}, nil
}

func isNamed(written string) ([]attrs.Pair, bool) {
	pairs, _, err := attrs.Split(written)
	at := slices.Index(pairs, attrs.Pair{Name: "type", Value: "named"})
	if err != nil || at < 0 {
		return nil, false
	}
	return slices.Delete(pairs, at, at+1), true
}

func (c *common) namedPlace(written string, pairs []attrs.Pair, write bool) (place, error) {
	var a namedAttrs
	if err := attrs.Set(pairs, "", nil, &a); err != nil {
		return place{}, fmt.Errorf("type=named: %w", err)
	}
	found, err := c.named.Find(a.Name, "")
	if err != nil {
		return place{}, err
	}
	at, err := found.At(a.Target)
	if err != nil {
		return place{}, err
	}
	p := place{CacheAccess: platform.CacheAccess{At: at, Push: write, Login: found.Login}, written: written, anyTarget: a.Target == ""}
	if a.Target != "" {
		p.names = []string{a.Target}
	}
	return p, nil
}

// open opens places in this process.
func (c *common) open(ctx context.Context, places ...place) ([]platform.OpenedCache, error) {
	p, err := c.Flags.Platform()
	if err != nil {
		return nil, err
	}
	var access []platform.CacheAccess
	for _, one := range places {
		access = append(access, one.CacheAccess)
	}
	return p.OpenCaches(ctx, c.insecure, access...)
}

// limit ends a context with the timeouts of places.
func limit(ctx context.Context, places ...place) (context.Context, context.CancelFunc) {
	var shortest time.Duration
	for _, one := range places {
		if one.timeout > 0 && (shortest == 0 || one.timeout < shortest) {
			shortest = one.timeout
		}
	}
	if shortest == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, shortest, fmt.Errorf("its timeout of %s is over", shortest))
}

// withSnapshot does something with the cache that an argument names, within the
// time that there is for it.
func (c *common) withSnapshot(ctx context.Context, written string, do func(context.Context, *layers.Snapshot) error) error {
	if err := c.check(); err != nil {
		return err
	}
	from, err := c.from(written)
	if err != nil {
		return err
	}
	ctx, cancel := limit(ctx, from)
	defer cancel()
	opened, err := c.open(ctx, from)
	if err != nil {
		return err
	}
	snapshot, err := load(ctx, from, opened[0])
	if err == nil {
		err = do(ctx, snapshot)
	}
	return explain(ctx, from, err)
}

// load loads the snapshot that a place names, to look at it: that may be an app
// image with an inline cache.
func load(ctx context.Context, p place, opened platform.OpenedCache) (*layers.Snapshot, error) {
	return loadWith(ctx, p, opened, layers.LoadImport)
}

// loadWith is load with a way to load what has one name.
func loadWith(ctx context.Context, p place, opened platform.OpenedCache, one func(context.Context, layers.Store, string) (*layers.Snapshot, error)) (*layers.Snapshot, error) {
	if p.anyTarget {
		return loadOnly(ctx, p, opened)
	}
	snapshot, err := one(ctx, opened.Store, opened.Name)
	if errors.Is(err, layers.ErrNotFound) {
		return nil, hint.Errorf(missingHint, "there is no cache at %s: %w", layers.At(opened.String(), opened.Name), err)
	}
	return snapshot, err
}

// loadOnly loads the only cache that there is under a name without a target.
func loadOnly(ctx context.Context, p place, opened platform.OpenedCache) (*layers.Snapshot, error) {
	all, err := layers.Caches(ctx, opened.Store)
	if err != nil {
		return nil, err
	}
	switch len(all) {
	case 0:
		return nil, hint.Errorf(missingHint, "there is no cache in %s: %w", opened, layers.ErrNotFound)
	case 1:
		return all[0].Snapshot, nil
	}
	var targets []string
	for _, one := range all {
		targets = append(targets, one.Name)
	}
	slices.Sort(targets)
	return nil, hint.Usagef("add target=, with one of: "+strings.Join(targets, ", "), "%s stands for the caches of %d targets", p.written, len(all))
}

// missingHint is what helps when there is no cache.
const missingHint = "`pack-cache cache list` shows what is there; a registry may also hide what you may not see"

// explain says why a store's time is over.
func explain(ctx context.Context, p place, err error) error {
	if errors.Is(err, context.DeadlineExceeded) && context.Cause(ctx) != nil {
		return fmt.Errorf("%s: %w", p.written, context.Cause(ctx))
	}
	return err
}
