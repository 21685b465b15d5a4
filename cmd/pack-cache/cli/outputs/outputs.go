// Package outputs reads where the app image goes, as users of BuildKit and envd
// write it: type=TYPE,NAME=VALUE,… The structs in it parse what the user writes
// and are what the help is made of.
//
// What it is not for: bringing the image there (package platform/outlet).
package outputs

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/pack-cache/pack-cache/internal/attrs"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/platform"
)

// imageAttrs are the attributes of type=image.
type imageAttrs struct {
	Name string `attr:"name" form:"image" help:"name of the image, if it is not IMAGE"`
	Push bool   `attr:"push" default:"false" help:"true: publish it to its registry, as --publish does; false: leave it in a docker daemon"`
}

// registryAttrs are the attributes of type=registry.
type registryAttrs struct {
	Name string `attr:"name" form:"image" help:"name of the image, if it is not IMAGE"`
}

// ociAttrs are the attributes of type=oci.
type ociAttrs struct {
	Dest string `attr:"dest" required:"true" form:"path" help:"file to write, or directory"`
	Tar  bool   `attr:"tar" default:"true" help:"false: dest is a directory"`
	Name string `attr:"name" form:"image" help:"name of the image, if it is not IMAGE"`
}

// dockerAttrs are the attributes of type=docker.
type dockerAttrs struct {
	Dest string `attr:"dest" form:"file" help:"archive to write for docker load (default: the image is left in a docker daemon)"`
	Name string `attr:"name" form:"image" help:"name of the image, if it is not IMAGE"`
}

// Given is what the user says of where the app image goes.
type Given struct {
	platform.Output
	// Name is the name of the image, "" if it is the argument of the command.
	Name string
}

// kind is a type of output.
type kind struct {
	name, help string
	attributes func() any
	output     func(attributes any) (Given, error)
}

func newKind[A any](name, help string, output func(a *A) (Given, error)) kind {
	return kind{
		name: name, help: help,
		attributes: func() any { return new(A) },
		output:     func(attributes any) (Given, error) { return output(attributes.(*A)) },
	}
}

// kinds lists every type of output.
func kinds() []kind {
	return []kind{
		newKind("image", "An image in a registry, or in a docker daemon.", func(a *imageAttrs) (Given, error) {
			to := platform.ToDaemon
			if a.Push {
				to = platform.ToRegistry
			}
			return Given{platform.Output{To: to}, a.Name}, nil
		}),
		newKind("registry", "An image in a registry, as with --publish.", func(a *registryAttrs) (Given, error) {
			return Given{platform.Output{To: platform.ToRegistry}, a.Name}, nil
		}),
		newKind("oci", "An OCI image layout, for skopeo, crane, docker load and others.", func(a *ociAttrs) (Given, error) {
			to := platform.ToLayoutFile
			if !a.Tar {
				to = platform.ToLayout
			}
			return file(to, a.Dest, a.Name)
		}),
		newKind("docker", "An archive for docker load, or an image in a docker daemon.", func(a *dockerAttrs) (Given, error) {
			if a.Dest == "" {
				return Given{platform.Output{To: platform.ToDaemon}, a.Name}, nil
			}
			return file(platform.ToDockerFile, a.Dest, a.Name)
		}),
	}
}

func file(to platform.Destination, dest, name string) (Given, error) {
	if dest == "-" {
		return Given{}, hint.Usagef("name a file; standard output has the result", "attribute dest: the image cannot go to standard output")
	}
	path, err := filepath.Abs(dest)
	return Given{platform.Output{To: to, Path: path}, name}, err
}

// Parse reads attributes. flag is for errors, which are usage errors.
func Parse(flag, value string) (Given, error) {
	given, kind, err := parse(value)
	if err == nil {
		return given, nil
	}
	if kind != "" {
		flag += " type=" + kind
	}
	return Given{}, hint.Usagef(hint.Of(err), "%s: %w", flag, err)
}

func parse(value string) (given Given, of string, err error) {
	pairs, bare, err := attrs.Split(value)
	if err != nil {
		return given, "", err
	}
	all := kinds()
	var types []string
	for _, one := range all {
		types = append(types, one.name)
	}
	valid := strings.Join(types, ", ")
	if bare != "" {
		words := append([]string{"text", "json"}, types...)
		return given, "", hint.Usagef(attrs.DidYouMean(bare, words)+"write text or json for the form of the result, or type= with one of: "+valid,
			"there is no %q", bare)
	}
	at := slices.IndexFunc(pairs, func(p attrs.Pair) bool { return p.Name == "type" })
	if at < 0 {
		return given, "", hint.Usagef("add type=, with one of: "+valid, "attribute type is missing")
	}
	which := slices.Index(types, pairs[at].Value)
	if which < 0 {
		return given, "", hint.Usagef(attrs.DidYouMean(pairs[at].Value, types)+"valid are: "+valid, "attribute type: there is no %q", pairs[at].Value)
	}
	read := all[which].attributes()
	if err := attrs.Set(slices.Delete(pairs, at, at+1), "", nil, read); err != nil {
		return given, types[which], err
	}
	given, err = all[which].output(read)
	return given, types[which], err
}

// Help describes all types and their attributes for a terminal.
func Help() string {
	var b strings.Builder
	b.WriteString(`Where the app image goes: to a docker daemon, or with --publish to its registry,
or where --output type=TYPE,NAME=VALUE,… says. IMAGE can also be oci:DIRECTORY.
`)
	for _, one := range kinds() {
		fmt.Fprintf(&b, "\n  type=%s: %s\n", one.name, one.help)
		table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, a := range attrs.Describe(one.attributes()) {
			form := strings.ToUpper(a.Form)
			if a.Form == "bool" {
				form = a.Form
			}
			help := a.Help
			switch {
			case a.Required:
				help += " (required)"
			case a.Default != "":
				help += " (default: " + a.Default + ")"
			}
			fmt.Fprintf(table, "    %s=%s\t%s\n", a.Name, form, help)
		}
		table.Flush()
	}
	return strings.TrimRight(b.String(), "\n")
}
