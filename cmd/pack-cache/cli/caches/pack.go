package caches

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/internal/attrs"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers/kinds"
)

// packAttrs are the attributes of pack's --cache.
type packAttrs struct {
	Type   string `attr:"type" default:"build" values:"build launch" help:"launch is left out with a warning: it is the cache of app images in a Docker daemon"`
	Format string `attr:"format" default:"volume" values:"image bind volume" help:"image: as type=registry; bind: as type=local; volume: as type=local below the user's cache directory"`
	Name   string `attr:"name" help:"of the image or the volume (default of a volume: from the app image's name)"`
	Source string `attr:"source" form:"directory" help:"for format=bind"`
}

// Pack reads the value of pack's --cache: the imports and exports of the build
// caches in it, and a warning about a launch cache, "" if it has none. One value can
// be about both, each beginning with its type. flag and image are those of Import.
func Pack(flag, value, image string) (imports []kinds.Import, exports []kinds.Export, warning string, err error) {
	pairs, bare, err := attrs.SplitBy(strings.TrimSuffix(value, ";"), ';')
	if err == nil && bare != "" {
		err = hint.Usagef("write it as type=build;format=image;name=REGISTRY/REPOSITORY", "%q has no =", bare)
	}
	if err != nil {
		return nil, nil, "", usage(flag, "", err)
	}
	for len(pairs) > 0 {
		end := 1
		for end < len(pairs) && pairs[end].Name != "type" {
			end++
		}
		var a packAttrs
		if err = attrs.Set(pairs[:end], "", nil, &a); err == nil {
			err = a.check(image)
		}
		if err != nil {
			return nil, nil, "", usage(flag, "", err)
		}
		pairs = pairs[end:]
		if a.Type == "launch" {
			warning = flag + " type=launch is not used: it is a cache for app images in a Docker daemon; layers that the daemon or the registry has are reused without it"
			continue
		}
		from, to, err := a.locate(flag, image)
		if err != nil {
			return nil, nil, "", err
		}
		imports, exports = append(imports, from), append(exports, to)
	}
	return imports, exports, warning, nil
}

// locate returns where a build cache is.
func (a packAttrs) locate(flag, image string) (kinds.Import, kinds.Export, error) {
	if a.Format == "image" {
		return Image(flag, a.Name)
	}
	dir, err := a.Source, error(nil)
	if a.Format == "volume" {
		if dir, err = volumeDir(a.Name, image); err != nil {
			return kinds.Import{}, kinds.Export{}, usage(flag, "", err)
		}
	}
	from, to, err := kinds.ReadDirectory(dir)
	return from, to, usage(flag, from.Type(), err)
}

// Image is an import from and an export to a cache image.
func Image(flag, reference string) (kinds.Import, kinds.Export, error) {
	from, to, err := kinds.ReadImage(reference)
	return from, to, usage(flag, from.Type(), err)
}

// check refuses combinations that pack refuses, too, and what has no use here.
func (a packAttrs) check(image string) error {
	switch {
	case a.Format == "image" && a.Name == "":
		return hint.Usagef("add name=REGISTRY/REPOSITORY", "attribute name is missing for format=image")
	case a.Format == "bind" && a.Source == "":
		return hint.Usagef("add source=DIRECTORY", "attribute source is missing for format=bind")
	case a.Format == "bind" && a.Name != "":
		return hint.Usagef("write source=DIRECTORY alone", "attribute name is not for format=bind")
	case a.Format != "bind" && a.Source != "":
		return hint.Usagef("write name=NAME, or format=bind", "attribute source is not for format=%s", a.Format)
	case a.Format == "volume" && a.Name == "" && image == "":
		return hint.Usagef("add name=NAME", "attribute name is missing: there is no app image to name the volume after")
	case a.Format == "volume" && a.Name != "" && !volumeName.MatchString(a.Name):
		return hint.Usagef("use letters, digits, _, . and -, and begin with a letter or digit", "attribute name: %q is not a name for a volume", a.Name)
	}
	return nil
}

// volumeName is Docker's grammar of names of volumes.
var volumeName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

// volumeDir is the directory that stands for a volume.
func volumeDir(volume, image string) (string, error) {
	caches, err := os.UserCacheDir()
	if err != nil {
		return "", errors.Join(hint.Usagef("set HOME or XDG_CACHE_HOME, or write format=bind;source=DIRECTORY", "there is no place for volumes"), err)
	}
	if volume == "" {
		volume = volumeOf(image)
	}
	return filepath.Join(caches, "pack-cache", "volumes", volume), nil
}

// volumeOf is the name of the volume of an app image whose cache was given none:
// something to recognise, and something that no other image has.
func volumeOf(image string) string {
	full := image
	if ref, err := name.ParseReference(image, name.WeakValidation); err == nil {
		full = ref.Name()
	}
	sum := sha256.Sum256([]byte(full))
	readable := strings.Map(func(r rune) rune {
		if volumeName.MatchString("a" + string(r)) {
			return r
		}
		return '_'
	}, image)
	return "pack-cache-" + readable + "-" + hex.EncodeToString(sum[:6]) + ".build"
}
