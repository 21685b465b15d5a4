package caches

import (
	"cmp"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/spf13/pflag"

	"github.com/pack-cache/pack-cache/platform/config"
	"github.com/pack-cache/pack-cache/platform/named"
)

// NamedFlags are the flags of a command that uses named caches.
type NamedFlags struct {
	// Config is the file that names them.
	Config string
	hosts  []string
}

// Add adds the flags to those of a command.
func (f *NamedFlags) Add(set *pflag.FlagSet) {
	set.StringVar(&f.Config, "cache-config", "", "file with [[image_caches]] (default: pack-cache.toml in the source, else in the working directory); pack-cache.toml in $PACK_HOME goes before it")
	set.StringArrayVar(&f.hosts, "trust-cache-host", nil, "registry `host` that a pack-cache.toml outside of $PACK_HOME may use, in addition to that of the app image (repeatable)")
}

// Find returns a named cache. source is the application's source, "" for none;
// images are those that the user names elsewhere on the command line. The error
// is a usage error.
func (f *NamedFlags) Find(which, source string, images ...string) (*named.Cache, error) {
	in, err := f.input(source, images)
	if err != nil {
		return nil, err
	}
	found, err := named.Find(which, in)
	return found, err
}

// Names lists the named caches that there are.
func (f *NamedFlags) Names(source string) ([]string, error) {
	in, err := f.input(source, nil)
	if err != nil {
		return nil, err
	}
	names, err := named.Names(in)
	return names, err
}

func (f *NamedFlags) input(source string, images []string) (named.Input, error) {
	file, err := config.Path()
	if err != nil {
		return named.Input{}, err
	}
	here, err := os.Getwd()
	if err != nil {
		return named.Input{}, err
	}
	in := named.Input{
		Dirs: []string{here}, Env: os.LookupEnv, Hosts: f.hosts,
		Own: filepath.Join(filepath.Dir(file), named.FileName),
	}
	if f.Config != "" {
		if in.Config, err = filepath.Abs(f.Config); err != nil {
			return named.Input{}, err
		}
	}
	if info, err := os.Stat(source); err == nil && info.IsDir() {
		if in.Source, err = filepath.Abs(source); err != nil {
			return named.Input{}, err
		}
		if in.Source != here {
			in.Dirs = []string{in.Source, here}
		}
	}
	if os.Getenv("PACK_HOME") != "" {
		in.Source = checkoutOf(cmp.Or(in.Source, here))
	}
	for _, image := range images {
		if ref, err := name.ParseReference(image, name.WeakValidation); err == nil {
			in.Hosts = append(in.Hosts, ref.Context().RegistryStr())
		}
	}
	return in, nil
}

// checkoutOf is the checkout that a directory is in, or else the directory. CI
// systems keep files from job to job below it, where changes to the source can
// put others.
func checkoutOf(dir string) string {
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			return dir
		}
	}
}
