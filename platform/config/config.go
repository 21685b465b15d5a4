package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/BurntSushi/toml"

	"github.com/pack-cache/pack-cache/internal/userfile"
)

// File is the configuration file that pack-cache shares with pack. It is not
// safe for concurrent use; several processes may change the same file.
type File struct {
	// DefaultBuilder is the builder of a build that names none.
	DefaultBuilder string
	// LifecycleImage is the image that pack takes the lifecycle from.
	LifecycleImage string
	// PullPolicy is always, if-not-present or never.
	PullPolicy string
	// RunImages are the mirrors of run images that the user prefers.
	RunImages []RunImage
	// RegistryMirrors are where to read what is in a registry, by its host; "*"
	// is every registry. A mirror is a host, or a host and a path.
	RegistryMirrors map[string]string
	// Experimental turns on what pack calls experimental.
	Experimental bool

	path    string
	trusted []string
	changes []change
}

// RunImage names a run image and where else it can be had.
type RunImage struct {
	Image   string   `toml:"image"`
	Mirrors []string `toml:"mirrors"`
}

// content is the part of the file's content that pack-cache knows.
type content struct {
	DefaultBuilder  string            `toml:"default-builder-image"`
	LifecycleImage  string            `toml:"lifecycle-image"`
	PullPolicy      string            `toml:"pull-policy"`
	RunImages       []RunImage        `toml:"run-images"`
	RegistryMirrors map[string]string `toml:"registry-mirrors"`
	Experimental    bool              `toml:"experimental"`
	TrustedBuilders []trustedBuilder  `toml:"trusted-builders"`
}

type trustedBuilder struct {
	Name string `toml:"name"`
}

// Path returns where the configuration is: config.toml in $PACK_HOME, or
// in ~/.pack.
func Path() (string, error) {
	if home := os.Getenv("PACK_HOME"); home != "" {
		return filepath.Join(home, "config.toml"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding the configuration: %w (PACK_HOME can name its directory)", err)
	}
	return filepath.Join(home, ".pack", "config.toml"), nil
}

// LoadUser reads the configuration of the user, as Load does.
func LoadUser() (*File, error) {
	path, err := Path()
	if err != nil {
		return nil, err
	}
	return Load(path)
}

// Load reads the configuration at path. A file that does not exist is an
// empty configuration. The error for one that is not valid TOML is a
// *Error.
func Load(path string) (*File, error) {
	data, err := userfile.ReadRegular(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	c := &File{path: path}
	if err := c.decode(data); err != nil {
		return nil, err
	}
	return c, nil
}

// decode fills c from the file's content.
func (c *File) decode(data []byte) error {
	var file content
	if _, err := toml.Decode(string(data), &file); err != nil {
		return newError(c.path, err)
	}
	c.DefaultBuilder, c.LifecycleImage, c.PullPolicy = file.DefaultBuilder, file.LifecycleImage, file.PullPolicy
	c.RunImages, c.RegistryMirrors, c.Experimental = file.RunImages, file.RegistryMirrors, file.Experimental
	c.trusted = nil
	for _, builder := range file.TrustedBuilders {
		if builder.Name != "" {
			c.trusted = append(c.trusted, builder.Name)
		}
	}
	return nil
}

// Path returns the name of the file.
func (c *File) Path() string { return c.path }
