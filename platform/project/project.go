// Package project reads project.toml, the CNB project descriptor, in its
// schema versions 0.1, 0.2 and 0.3.
//
// The descriptor comes with the source, so everybody who can change the source can
// change it. What it says about builder and buildpacks is a wish, never a reason to
// trust them.
package project

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/BurntSushi/toml"

	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/userfile"
)

// DefaultFile is the descriptor's name in the application's directory.
const DefaultFile = "project.toml"

// Descriptor is what a project asks of its build. It is immutable.
type Descriptor struct {
	// Builder is the builder that the project wishes for.
	Builder string
	// Include or Exclude, never both, choose the files of the source by the
	// patterns of gitignore.
	Include, Exclude []string
	// Env is the environment of the buildpacks.
	Env []Variable
	// Group are the project's buildpacks instead of the builder's order; Pre
	// and Post go before and after that order.
	Group, Pre, Post []Buildpack
	// Version and SourceURL are the project's own, by schema version 0.1. pack does
	// not look at what later versions say of them, and so gives images another label.
	Version, SourceURL string
	// Ignored are keys that the schema version does not know.
	Ignored []string
}

// Variable is one environment variable.
type Variable struct {
	Name  string `toml:"name"`
	Value string `toml:"value"`
	// ExecEnv limits it to some execution environments; none is all.
	ExecEnv []string `toml:"exec-env"`
}

// Buildpack is one that the project wants to be built with.
type Buildpack struct {
	ID      string   `toml:"id"`
	Version string   `toml:"version"`
	URI     string   `toml:"uri"`
	ExecEnv []string `toml:"exec-env"`
	// Script is a buildpack written in the descriptor itself.
	Script Script `toml:"script"`
}

// Script is an inline buildpack.
type Script struct {
	API    string `toml:"api"`
	Inline string `toml:"inline"`
	Shell  string `toml:"shell"`
}

// about is what a descriptor says about the project itself.
type about struct {
	Schema           string         `toml:"schema-version"`
	ID               string         `toml:"id"`
	Name             string         `toml:"name"`
	Version          string         `toml:"version"`
	Authors          []string       `toml:"authors"`
	Licenses         []license      `toml:"licenses"`
	DocumentationURL string         `toml:"documentation-url"`
	SourceURL        string         `toml:"source-url"`
	Metadata         map[string]any `toml:"metadata"`
}

type license struct {
	Type string `toml:"type"`
	URI  string `toml:"uri"`
}

func (a about) check() error {
	for _, license := range a.Licenses {
		if license.Type == "" && license.URI == "" {
			return errors.New("a license needs a type or a uri")
		}
	}
	return nil
}

// Error says what is wrong with a descriptor.
type Error struct {
	Path string
	Err  error
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("project descriptor %s: %v", e.Path, e.Err) }

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// Hint tells the way out.
func (e *Error) Hint() string { return "correct it, or name another one with --descriptor" }

// Find reads the descriptor at path or, if path is empty, the one in the
// application's directory appDir, which need not be there.
func Find(ctx context.Context, path, appDir string) (*Descriptor, error) {
	if path != "" {
		return Read(ctx, path)
	}
	path = filepath.Join(appDir, DefaultFile)
	content, err := userfile.ReadRegular(path)
	descriptor, err := read(path, content, err)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return &Descriptor{}, nil
	}
	return descriptor, err
}

// Read reads a descriptor, which may also be a pipe, until ctx ends. Every other
// error than that of ctx is an *Error.
func Read(ctx context.Context, path string) (*Descriptor, error) {
	content, err := userfile.Read(ctx, path)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return read(path, content, err)
}

// read understands what was read at path, unless that failed.
func read(path string, content []byte, err error) (*Descriptor, error) {
	if err != nil {
		return nil, &Error{path, err}
	}
	descriptor, err := parse(string(content))
	if err != nil {
		return nil, &Error{path, err}
	}
	return descriptor, nil
}

// schema01 is schema version 0.1.
type schema01 struct {
	Project    about          `toml:"project"`
	Metadata   map[string]any `toml:"metadata"`
	Underscore struct {
		Schema string `toml:"schema-version"`
	} `toml:"_"`
	Build struct {
		Include    []string    `toml:"include"`
		Exclude    []string    `toml:"exclude"`
		Builder    string      `toml:"builder"`
		Buildpacks []Buildpack `toml:"buildpacks"`
		Env        []Variable  `toml:"env"`
		Pre        struct {
			Group []Buildpack `toml:"group"`
		} `toml:"pre"`
		Post struct {
			Group []Buildpack `toml:"group"`
		} `toml:"post"`
	} `toml:"build"`
}

// schema02 is schema versions 0.2 and 0.3; exec-env came with 0.3.
type schema02 struct {
	Project about `toml:"_"`
	IO      struct {
		Buildpacks struct {
			Include []string    `toml:"include"`
			Exclude []string    `toml:"exclude"`
			Builder string      `toml:"builder"`
			Group   []Buildpack `toml:"group"`
			Build   struct {
				Env []Variable `toml:"env"`
			} `toml:"build"`
			// Env.Build is the older spelling of Build.Env.
			Env struct {
				Build []Variable `toml:"build"`
			} `toml:"env"`
			Pre struct {
				Group []Buildpack `toml:"group"`
			} `toml:"pre"`
			Post struct {
				Group []Buildpack `toml:"group"`
			} `toml:"post"`
		} `toml:"buildpacks"`
	} `toml:"io"`
}

func parse(content string) (*Descriptor, error) {
	var version struct {
		Project struct {
			Schema string `toml:"schema-version"`
		} `toml:"_"`
	}
	if _, err := bounds.TOML(content, &version); err != nil {
		return nil, err
	}
	var d *Descriptor
	var err error
	switch version.Project.Schema {
	case "", "0.1":
		d, err = parse01(content)
	case "0.2", "0.3":
		d, err = parse02(content)
	default:
		return nil, fmt.Errorf("schema version %q is not known; 0.1, 0.2 and 0.3 are", version.Project.Schema)
	}
	if err != nil {
		return nil, err
	}
	return d, d.check()
}

func parse01(content string) (*Descriptor, error) {
	var s schema01
	md, err := bounds.TOML(content, &s)
	if err != nil {
		return nil, err
	}
	b := s.Build
	return &Descriptor{
		Builder: b.Builder, Include: b.Include, Exclude: b.Exclude, Env: b.Env,
		Group: b.Buildpacks, Pre: b.Pre.Group, Post: b.Post.Group,
		Version: s.Project.Version, SourceURL: s.Project.SourceURL,
		Ignored: undecoded(md),
	}, s.Project.check()
}

func parse02(content string) (*Descriptor, error) {
	var s schema02
	md, err := bounds.TOML(content, &s)
	if err != nil {
		return nil, err
	}
	b := s.IO.Buildpacks
	env := b.Build.Env
	if env == nil {
		env = b.Env.Build
	}
	return &Descriptor{
		Builder: b.Builder, Include: b.Include, Exclude: b.Exclude, Env: env,
		Group: b.Group, Pre: b.Pre.Group, Post: b.Post.Group,
		Ignored: undecoded(md),
	}, s.Project.check()
}

// undecoded lists keys about the project and its build that the schema version
// does not know, such as those of another version. Everything else belongs to
// somebody else.
func undecoded(md toml.MetaData) []string {
	var keys []string
	for _, key := range md.Undecoded() {
		switch name := key.String(); {
		case strings.HasPrefix(name, "_.metadata."), strings.HasPrefix(name, "project.metadata."):
		case strings.HasPrefix(name, "_."), strings.HasPrefix(name, "project."), strings.HasPrefix(name, "build."), strings.HasPrefix(name, "io.buildpacks."):
			keys = append(keys, name)
		}
	}
	return keys
}

func (d *Descriptor) check() error {
	if d.Include != nil && d.Exclude != nil {
		return errors.New("include and exclude cannot both be given")
	}
	for _, variable := range d.Env {
		if variable.Name == "" || strings.ContainsAny(variable.Name, "/=\x00") || variable.Name == "." || variable.Name == ".." {
			return fmt.Errorf("%q is not a valid name of an environment variable", variable.Name)
		}
	}
	for _, bp := range slices.Concat(d.Group, d.Pre, d.Post) {
		switch {
		case bp.ID == "" && bp.URI == "":
			return errors.New("a buildpack needs an id or a uri")
		case bp.URI != "" && bp.Version != "":
			return fmt.Errorf("buildpack %s cannot have both a uri and a version", bp.URI)
		case bp.URI != "" && bp.Script.Inline != "":
			return fmt.Errorf("buildpack %s cannot have both a uri and an inline script", bp.URI)
		}
	}
	return nil
}

// Environment returns the variables for an execution environment.
func (d *Descriptor) Environment(execEnv string) map[string]string {
	env := map[string]string{}
	for _, variable := range d.Env {
		if applies(variable.ExecEnv, execEnv) {
			env[variable.Name] = variable.Value
		}
	}
	return env
}

// Applicable returns those of some buildpacks that are for an execution
// environment.
func Applicable(buildpacks []Buildpack, execEnv string) []Buildpack {
	return slices.DeleteFunc(slices.Clone(buildpacks), func(bp Buildpack) bool { return !applies(bp.ExecEnv, execEnv) })
}

// applies reports whether something limited to some execution environments is
// meant for this one.
func applies(limits []string, execEnv string) bool {
	return len(limits) == 0 || slices.Contains(limits, execEnv)
}
