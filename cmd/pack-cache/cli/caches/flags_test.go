package caches

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// TestFlags holds the order of the command line, over all names of the flags.
func TestFlags(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args             string
		imports, exports []string
	}{
		{"", nil, nil},
		{"--import-cache a --cache-from b --import-cache c", []string{"a", "b", "c"}, nil},
		{"--cache-to a --export-cache b", nil, []string{"a", "b"}},
		{"--cache-image a --cache-from b", []string{"a", "b"}, []string{"a"}},
		{"--cache-from b --cache-image a", []string{"b", "a"}, []string{"a"}},
		{"--cache-image a --cache-from b --cache-image c", []string{"c", "b"}, []string{"c"}},
		{"--cache type=build;format=image;name=a --cache-to b", []string{"a"}, []string{"a", "b"}},
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			flags, err := parse(test.args)
			if err != nil {
				t.Fatal(err)
			}
			in, out, err := flags.Parse("app", true)
			if err != nil {
				t.Fatal(err)
			}
			var imports, exports []string
			for _, from := range in {
				imports = append(imports, from.Facts().Image.String())
			}
			for _, to := range out {
				exports = append(exports, to.Facts().Image.String())
			}
			if diff := cmp.Diff([][]string{test.imports, test.exports}, [][]string{imports, exports}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func parse(args string) (*Flags, error) {
	set := pflag.NewFlagSet("build", pflag.ContinueOnError)
	flags := &Flags{}
	flags.Add(set)
	return flags, set.Parse(strings.Fields(args))
}

// TestFlagsRefused names the flag that was written.
func TestFlagsRefused(t *testing.T) {
	t.Parallel()
	for args, says := range map[string]string{
		"--cache-from type=x":   "--cache-from: attribute type",
		"--import-cache type=x": "--import-cache: attribute type",
		"--cache-to type=x":     "--cache-to: attribute type",
		"--export-cache type=x": "--export-cache: attribute type",
		"--cache type=x":        "--cache: attribute type",
	} {
		flags, err := parse(args)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = flags.Parse("app", true)
		wantUsage(t, err, says, "valid are")
	}
	flags, err := parse("--cache-image a")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = flags.Parse("app", false)
	wantUsage(t, err, "--cache-image needs --publish", "add --publish")
}

// TestLaunchWarning warns of a launch cache wherever it stands on the command line.
func TestLaunchWarning(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	build, launch := "--cache=type=build;format=volume;name=b", "--cache=type=launch;format=volume;name=l"
	for _, args := range [][]string{{launch, build}, {build, launch}, {build}} {
		flags, err := parse(strings.Join(args, " "))
		if err != nil {
			t.Fatal(err)
		}
		imports, exports, err := flags.Parse("r.example.com/app", false)
		if err != nil || len(imports) != 1 || len(exports) != 1 || (flags.Warning != "") != (len(args) > 1) {
			t.Errorf("%v: %d imports, %d exports, warning %q, %v", args, len(imports), len(exports), flags.Warning, err)
		}
	}
}
