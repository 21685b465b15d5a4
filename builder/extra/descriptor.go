package extra

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/hint"
)

const descriptorFile = "buildpack.toml"

// descriptor is buildpack.toml or extension.toml (CNB Buildpack specification).
type descriptor struct {
	of        species
	API       string        `toml:"api"`
	Buildpack identity      `toml:"buildpack"`
	Extension identity      `toml:"extension"`
	Order     builder.Order `toml:"order"`

	Stacks  []builder.Stack        `toml:"stacks"`
	Targets []builder.ModuleTarget `toml:"targets"`
}

type identity struct {
	ID      string `toml:"id"`
	Version string `toml:"version"`
}

func readDescriptor(of species, content []byte) (*descriptor, error) {
	d := descriptor{of: of}
	if _, err := bounds.TOML(string(content), &d); err != nil {
		return nil, fmt.Errorf("%s: %w", of.file, err)
	}
	if of.word == extensions.word {
		d.Buildpack = d.Extension
	}
	for _, field := range []struct{ name, value string }{
		{"api", d.API}, {of.table + ".id", d.Buildpack.ID}, {of.table + ".version", d.Buildpack.Version},
	} {
		if field.value == "" {
			return nil, hint.Errorf(fmt.Sprintf(`it needs api = "0.10" at its top, and id and version below [%s]`, of.table),
				"%s has no %s", of.file, field.name)
		}
	}
	return &d, checkName(d.Buildpack.ID, d.Buildpack.Version)
}

// ref is the buildpack's place in an order.
func (d *descriptor) ref() builder.Ref {
	return builder.Ref{ID: d.Buildpack.ID, Version: d.Buildpack.Version}
}

func (d *descriptor) composite() bool { return len(d.Order) > 0 }

// An ID becomes a directory below /cnb/buildpacks and below /layers, a version a
// directory below the first (CNB Buildpack specification, "buildpack.toml").
var (
	idGrammar      = regexp.MustCompile(`^[a-zA-Z0-9._/-]+$`)
	versionGrammar = regexp.MustCompile(`^[a-zA-Z0-9._+-]+$`)
	reservedIDs    = []string{"app", "config", "generated", "sbom", ".", ".."}
)

func checkName(id, version string) error {
	if !idGrammar.MatchString(id) || slices.Contains(reservedIDs, escape(id)) {
		return fmt.Errorf("%q is not a valid buildpack id", id)
	}
	if !versionGrammar.MatchString(version) || version == "." || version == ".." {
		return fmt.Errorf("%q is not a valid buildpack version", version)
	}
	return nil
}

// escape turns an ID into the name of a directory.
func escape(id string) string { return strings.ReplaceAll(id, "/", "_") }

// checkAPI fails if the builder's lifecycle does not speak a Buildpack API. The
// lifecycle itself says so only when the buildpack has passed detect.
func (r *resolver) checkAPI(api string) error {
	if len(r.apis) == 0 || slices.Contains(r.apis, api) {
		return nil
	}
	return hint.Errorf("use another version of the buildpack, or of the builder",
		"it speaks Buildpack API %s, the builder's lifecycle speaks %s", api, strings.Join(r.apis, ", "))
}

// checkComposites fails if a composite buildpack that was found refers to a
// buildpack that nobody has, or to itself.
func (r *resolver) checkComposites() error {
	known := builder.Modules{}
	for id, versions := range r.modules {
		for version, m := range versions {
			known.Add(id, version, m)
		}
	}
	for _, m := range r.found {
		known.Add(m.id, m.version, m.Module)
	}
	for _, m := range r.found {
		if err := checkOrder(known, m.Order, []string{m.name()}); err != nil {
			return about(m.name(), err)
		}
	}
	return nil
}

// checkOrder walks the order of the last buildpack of path. No order that ends
// is this deep.
func checkOrder(known builder.Modules, order builder.Order, path []string) error {
	for _, group := range order {
		for _, ref := range group.Group {
			m, ok := known[ref.ID][ref.Version]
			name := ref.ID + "@" + ref.Version
			switch {
			case ref.Version == "":
				return fmt.Errorf("its order has %s without a version", ref.ID)
			case !ok:
				return hint.Errorf("list it in package.toml beside buildpack.toml, or use a buildpackage, which has all of its parts",
					"it contains %s, which is neither in the builder nor among the buildpacks of this build", name)
			case slices.Contains(path, name):
				return fmt.Errorf("its order contains itself: %s", strings.Join(append(path, name), " → "))
			}
			if err := checkOrder(known, m.Order, append(path, name)); err != nil {
				return err
			}
		}
	}
	return nil
}
