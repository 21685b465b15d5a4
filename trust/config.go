package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/pack-cache/pack-cache/internal/userfile"
)

// Config is the configuration file that pack-cache shares with pack. It is not
// safe for concurrent use; several processes may change the same file.
type Config struct {
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

// change is an edit that Save has yet to write.
type change struct {
	// what is changed, for messages, with its verb.
	what string
	// edit returns text with the change made; errByHand where that cannot be.
	edit func(text string) (string, error)
}

// configFile is the part of the file's content that pack-cache knows.
type configFile struct {
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

// ConfigPath returns where the configuration is: config.toml in $PACK_HOME, or
// in ~/.pack.
func ConfigPath() (string, error) {
	if home := os.Getenv("PACK_HOME"); home != "" {
		return filepath.Join(home, "config.toml"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("the place of the configuration: %w (PACK_HOME can name it)", err)
	}
	return filepath.Join(home, ".pack", "config.toml"), nil
}

// LoadUserConfig reads the configuration of the user, as LoadConfig does.
func LoadUserConfig() (*Config, error) {
	path, err := ConfigPath()
	if err != nil {
		return nil, err
	}
	return LoadConfig(path)
}

// LoadConfig reads the configuration at path. A file that does not exist is an
// empty configuration. The error for one that is not valid TOML is a
// *ConfigError.
func LoadConfig(path string) (*Config, error) {
	data, err := userfile.ReadRegular(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	c := &Config{path: path}
	if err := c.decode(data); err != nil {
		return nil, err
	}
	return c, nil
}

// decode fills c from the file's content.
func (c *Config) decode(data []byte) error {
	var file configFile
	if _, err := toml.Decode(string(data), &file); err != nil {
		return newConfigError(c.path, err)
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
func (c *Config) Path() string { return c.path }

// TrustedBuilders returns the trusted builders as the file spells them, in the
// file's order, with the changes that Add and Remove made.
func (c *Config) TrustedBuilders() []string { return slices.Clone(c.trusted) }

// Listing is the entry by which a builder is trusted.
type Listing struct {
	// Entry is spelled as in the configuration, or as in KnownBuilders.
	Entry string
	// Known says that it is a known builder.
	Known bool
}

// Listed returns the entry that trusts builder with everything that this name
// stands for, and whether there is one. The error is that builder is not a
// valid reference.
func (c *Config) Listed(builder string) (Listing, bool, error) {
	wanted, err := parseEntry(builder)
	if err != nil {
		return Listing{}, false, err
	}
	for _, known := range c.entries() {
		if e, err := parseEntry(known.Entry); err == nil && e.covers(wanted) {
			return known, true, nil
		}
	}
	return Listing{}, false, nil
}

// entries returns everything that is trusted, known builders first.
func (c *Config) entries() []Listing {
	var all []Listing
	for _, builder := range knownBuilders {
		all = append(all, Listing{Entry: builder, Known: true})
	}
	if c != nil {
		for _, builder := range c.trusted {
			all = append(all, Listing{Entry: builder})
		}
	}
	return all
}

// Add adds builder to the trusted builders, spelled as it is given, unless the
// same one is there already. Save writes it. The error is that builder is not a
// valid reference.
func (c *Config) Add(builder string) error {
	if _, err := parseEntry(builder); err != nil {
		return err
	}
	if !slices.ContainsFunc(c.trusted, same(builder)) {
		c.trusted = append(c.trusted, builder)
		c.changes = append(c.changes, change{trustedAre, func(text string) (string, error) { return addBuilder(text, builder) }})
	}
	return nil
}

// Remove removes builder from the trusted builders, in whatever spelling it is
// there, and says whether it was. Save writes it. The error is that builder is
// not a valid reference.
func (c *Config) Remove(builder string) (bool, error) {
	if _, err := parseEntry(builder); err != nil {
		return false, err
	}
	before := len(c.trusted)
	c.trusted = slices.DeleteFunc(c.trusted, same(builder))
	if len(c.trusted) == before {
		return false, nil
	}
	c.changes = append(c.changes, change{trustedAre, func(text string) (string, error) { return removeBuilder(text, builder) }})
	return true, nil
}

// same returns a test for names that mean the same builder.
func same(builder string) func(string) bool {
	wanted, err := parseEntry(builder)
	return func(other string) bool {
		if other == builder {
			return true
		}
		e, otherErr := parseEntry(other)
		return err == nil && otherErr == nil && e == wanted
	}
}

// ConfigError says that the configuration cannot be used, and where.
type ConfigError struct {
	Path string
	// Line is 0 where no line is to blame.
	Line   int
	Reason string
}

// tomlError is how the decoder reports a line.
var tomlError = regexp.MustCompile(`^toml: line ([0-9]+)(?: \(last key ("[^"]*")\))?: ((?s:.*))`)

func newConfigError(path string, err error) *ConfigError {
	parts := tomlError.FindStringSubmatch(err.Error())
	if parts == nil {
		return &ConfigError{Path: path, Reason: strings.TrimPrefix(err.Error(), "toml: ")}
	}
	line, _ := strconv.Atoi(parts[1])
	reason := parts[3]
	if parts[2] != "" {
		reason = "at " + parts[2] + ": " + reason
	}
	return &ConfigError{Path: path, Line: line, Reason: reason}
}

// Error implements error.
func (e *ConfigError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.Path, e.Reason)
	}
	return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.Reason)
}

// Hint says what the user can do.
func (e *ConfigError) Hint() string {
	return "correct the file by hand; nothing was changed in it"
}
