package inplace

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// Files by which a builder is known from inside (CNB Platform specification,
// "Builder"). lifecycle.toml is in a lifecycle's release; pack leaves it out of
// builders.
const (
	lifecyclePath  = "/cnb/lifecycle/lifecycle.toml"
	orderPath      = "/cnb/order.toml"
	runPath        = "/cnb/run.toml"
	stackPath      = "/cnb/stack.toml"
	buildpacksPath = "/cnb/buildpacks"
	osReleasePath  = "/etc/os-release"
)

var _ lifecycle.Resident = (*host)(nil)

// Image implements lifecycle.Resident. An image cannot be told its name or
// digest from inside; what can be read is what its files and the environment
// say.
func (h *host) Image(ctx context.Context) (v1.Image, error) {
	about, err := readResident()
	if err != nil {
		return nil, confine.Step(err, "the builder that pack-cache runs in")
	}
	config := &v1.ConfigFile{OS: "linux", Architecture: runtime.GOARCH, RootFS: v1.RootFS{Type: "layers"}}
	if config.Config.Env, err = residentEnv(os.Environ()); err != nil {
		return nil, err
	}
	uid, gid, err := builder.BuildUser(config.Config.Env)
	if err == nil {
		err = h.complete(ctx, about, lifecycle.User{UID: uid, GID: gid})
	}
	if err != nil {
		return nil, confine.Step(err, "the builder that pack-cache runs in")
	}
	if config.Config.Labels, err = about.labels(); err != nil {
		return nil, err
	}
	return mutate.ConfigFile(empty.Image, config)
}

// complete asks the lifecycle, as user, for what no file says of it.
func (h *host) complete(ctx context.Context, about *resident, user lifecycle.User) error {
	if about.version != "" {
		return nil
	}
	says, err := h.askLifecycle(ctx, user)
	if err != nil {
		return err
	}
	about.version = says.version
	if says.platformAPI != "" {
		about.apis = map[string]apiSet{"platform": {Supported: []string{says.platformAPI}}}
	}
	return nil
}

// Is implements lifecycle.Resident: the named builder has to have the same
// lifecycle, buildpacks and order. The version of a lifecycle that cannot be asked
// safely is not compared.
func (h *host) Is(ctx context.Context, named v1.Image) error {
	here, err := readResident()
	if err != nil {
		return err
	}
	b, err := builder.Inspect(named)
	if err != nil {
		return err
	}
	order, _, err := b.Order()
	if err != nil {
		return err
	}
	modules, err := b.Modules()
	if err != nil {
		return err
	}
	err = h.complete(ctx, here, lifecycle.User{UID: b.UID, GID: b.GID})
	if err != nil && !errors.Is(err, errNotAsked) {
		return err
	}
	differ := func(what, here, there string) error {
		return hint.Errorf("leave out --builder to use the one that pack-cache runs in, run pack-cache in the other one, or use another engine (--engine sandbox or docker)",
			"pack-cache runs in another builder than the one named: its %s %s here and %s there", what, here, there)
	}
	switch {
	case b.Lifecycle != "" && here.version != "" && b.Lifecycle != here.version:
		return differ("lifecycle is", here.version, b.Lifecycle)
	case !slices.Equal(listModules(modules), listModules(here.modules)):
		return differ("buildpacks are", names(listModules(here.modules)), names(listModules(modules)))
	case len(order) > 0 && describeOrder(order) != describeOrder(here.order):
		return differ("order is", describeOrder(here.order), describeOrder(order))
	}
	return nil
}

// residentKeys are the variables of a builder image that can be told from those
// of whoever started a process in it.
var residentKeys = []string{"PATH", "LANG", "LANGUAGE", "LC_ALL", "LD_LIBRARY_PATH", "CNB_USER_ID", "CNB_GROUP_ID", "CNB_STACK_ID"}

// residentEnv picks a builder's environment from a process'. Without the ids of
// the build user, the owner of /layers is it.
func residentEnv(environ []string) ([]string, error) {
	var out []string
	has := map[string]bool{}
	for _, entry := range environ {
		key, _, _ := strings.Cut(entry, "=")
		if slices.Contains(residentKeys, key) || strings.HasPrefix(key, "CNB_TARGET_") {
			out = append(out, entry)
			has[key] = true
		}
	}
	if has["CNB_USER_ID"] && has["CNB_GROUP_ID"] {
		return out, nil
	}
	info, err := os.Stat(lifecycle.LayersDir)
	if err != nil || ownerOf(info).UID == 0 {
		return nil, hint.Errorf("start pack-cache with the environment of the image",
			"the build user of the builder that pack-cache runs in is not known: CNB_USER_ID and CNB_GROUP_ID are not set")
	}
	owner := ownerOf(info)
	return append(out, "CNB_USER_ID="+strconv.Itoa(owner.UID), "CNB_GROUP_ID="+strconv.Itoa(owner.GID)), nil
}

// resident is what a builder's files say about it.
type resident struct {
	version   string
	apis      map[string]apiSet
	order     builder.Order
	modules   builder.Modules
	runImages []builder.RunImage
	// distro is what the image is based on.
	distroName, distroVersion string
}

type apiSet struct {
	Deprecated []string `toml:"deprecated" json:"deprecated"`
	Supported  []string `toml:"supported" json:"supported"`
}

func readResident() (*resident, error) {
	var own struct {
		Lifecycle struct {
			Version string `toml:"version"`
		} `toml:"lifecycle"`
		APIs map[string]apiSet `toml:"apis"`
	}
	var order struct {
		Order builder.Order `toml:"order"`
	}
	var run struct {
		Images []builder.RunImage `toml:"images"`
	}
	var stack struct {
		RunImage builder.RunImage `toml:"run-image"`
	}
	err := errors.Join(ignoreMissing(readTOML(lifecyclePath, &own)), readTOML(orderPath, &order),
		ignoreMissing(readTOML(runPath, &run)), ignoreMissing(readTOML(stackPath, &stack)))
	if err != nil {
		return nil, err
	}
	r := &resident{version: own.Lifecycle.Version, apis: own.APIs, order: order.Order, runImages: run.Images}
	if len(r.runImages) == 0 && stack.RunImage.Image != "" {
		r.runImages = []builder.RunImage{stack.RunImage}
	}
	r.readDistro()
	r.modules, err = readModules()
	return r, err
}

// readDistro reads os-release, as `pack builder create` does for a label.
func (r *resident) readDistro() {
	data, _ := os.ReadFile(osReleasePath) // what is not known does not count
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"'`)
		switch key {
		case "ID":
			r.distroName = cmp.Or(os.Getenv("CNB_TARGET_DISTRO_NAME"), value)
		case "VERSION_ID":
			r.distroVersion = cmp.Or(os.Getenv("CNB_TARGET_DISTRO_VERSION"), value)
		}
	}
}

// readModules reads the buildpacks that the builder has.
func readModules() (builder.Modules, error) {
	descriptors, err := filepath.Glob(filepath.Join(buildpacksPath, "*", "*", "buildpack.toml"))
	if err != nil {
		return nil, err
	}
	modules := builder.Modules{}
	for _, path := range descriptors {
		var descriptor struct {
			API       string `toml:"api"`
			Buildpack struct {
				ID      string `toml:"id"`
				Version string `toml:"version"`
			} `toml:"buildpack"`
			Order builder.Order `toml:"order"`
		}
		if err := readTOML(path, &descriptor); err != nil {
			return nil, err
		}
		modules.Add(descriptor.Buildpack.ID, descriptor.Buildpack.Version, builder.Module{API: descriptor.API, Order: descriptor.Order})
	}
	return modules, nil
}

func readTOML(path string, into any) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	content, err := bounds.Read(file)
	if err == nil {
		_, err = bounds.TOML(string(content), into)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// labels says the same as `pack builder create` does.
func (r *resident) labels() (map[string]string, error) {
	var listed []builder.Buildpack
	for id, versions := range r.modules {
		for version := range versions {
			listed = append(listed, builder.Buildpack{ID: id, Version: version})
		}
	}
	slices.SortFunc(listed, func(a, b builder.Buildpack) int { return cmp.Compare(a.ID+"@"+a.Version, b.ID+"@"+b.Version) })
	labels := map[string]string{
		"io.buildpacks.base.distro.name":    r.distroName,
		"io.buildpacks.base.distro.version": r.distroVersion,
	}
	for label, value := range map[string]any{
		"io.buildpacks.builder.metadata": map[string]any{
			"buildpacks": listed,
			"images":     r.runImages,
			"lifecycle":  map[string]any{"version": r.version, "apis": r.apis},
		},
		"io.buildpacks.buildpack.order":  r.order,
		"io.buildpacks.buildpack.layers": r.modules,
		"io.buildpacks.lifecycle.apis":   r.apis,
	} {
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		labels[label] = string(raw)
	}
	return labels, nil
}

// listModules names buildpacks, sorted.
func listModules(modules builder.Modules) []string {
	var all []string
	for id, versions := range modules {
		for version := range versions {
			all = append(all, id+"@"+version)
		}
	}
	slices.Sort(all)
	return all
}

// describeOrder writes an order without versions, which not everybody writes.
func describeOrder(order builder.Order) string {
	var groups []string
	for _, group := range order {
		var ids []string
		for _, ref := range group.Group {
			if ref.Optional {
				ids = append(ids, ref.ID+"?")
			} else {
				ids = append(ids, ref.ID)
			}
		}
		groups = append(groups, strings.Join(ids, "+"))
	}
	return strings.Join(groups, " | ")
}
