package outputs

import (
	"path/filepath"
	"strings"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/platform"
)

// Flag is --output, which says two things in the words of others: where the app
// image goes, and the form of the result. Each can be given once. It implements
// pflag.Value.
type Flag struct {
	// JSON says that the result is printed as JSON.
	JSON bool

	where []string
}

// String implements pflag.Value.
func (f *Flag) String() string { return "" }

// Type implements pflag.Value.
func (f *Flag) Type() string { return "output" }

// Set implements pflag.Value. The last form counts.
func (f *Flag) Set(value string) error {
	switch value {
	case "text", "json":
		f.JSON = value == "json"
	default:
		f.where = append(f.where, value)
	}
	return nil
}

// Placed reports whether the flag says where the app image goes.
func (f *Flag) Placed() bool { return len(f.where) > 0 }

// Complete says where the app image goes, and what it is called: an argument
// oci:DIRECTORY, --publish and --output have to agree. The error is a usage
// error.
func (f *Flag) Complete(image string, publish bool) (Given, error) {
	where := ""
	switch len(f.where) {
	case 0:
	case 1:
		where = f.where[0]
	default:
		return Given{}, hint.Usagef("an app image goes to one place; build again for another one, which reuses all layers",
			"--output says more than once where the app image goes: %s", strings.Join(f.where, " and "))
	}
	dir, isDir := strings.CutPrefix(image, platform.LayoutPrefix)
	switch {
	case isDir && dir == "":
		return Given{}, hint.Usagef("write oci:DIRECTORY", "oci: does not name a directory")
	case isDir && publish:
		return Given{}, hint.Usagef("leave --publish out, or name an image in a registry", "%s is a directory, which --publish cannot publish", image)
	case isDir && where != "":
		return Given{}, hint.Usagef("leave one of them out", "%s is a directory, and --output %s is another place", image, where)
	case isDir:
		path, err := filepath.Abs(dir)
		return Given{Output: platform.Output{To: platform.ToLayout, Path: path}}, err
	case where == "" && publish:
		return Given{platform.Output{To: platform.ToRegistry}, image}, nil
	case where == "":
		return Given{platform.Output{To: platform.ToDaemon}, image}, nil
	}
	given, err := Parse("--output", where)
	if err != nil {
		return Given{}, err
	}
	if publish && given.To != platform.ToRegistry {
		return Given{}, hint.Usagef("leave --publish out, or write --output type=registry", "--publish and --output %s contradict each other", where)
	}
	if given.Name == "" {
		given.Name = image
	}
	return given, nil
}
