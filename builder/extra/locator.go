package extra

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pack-cache/pack-cache/builder"
)

// kind is what a locator locates.
type kind int

const (
	wholeBuilder kind = iota // the builder's order
	inBuilder                // one buildpack of the builder
	localPath
	webAddress
	imageRef
)

// location is a locator that was understood.
type location struct {
	kind kind
	// at is the path, the URL or the image reference.
	at string
	// ref is the buildpack of the builder.
	ref builder.Ref
	// bare is set when the locator does not say that it is an image, and could
	// not be anything else.
	bare bool
	// within is Source.Within.
	within string
}

const registryHint = "name its image as docker://REFERENCE, or one that the builder has; the public buildpack registry lists the image of every buildpack"

var (
	// scheme is what pack takes for the beginning of a URI.
	scheme = regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9+.-]*):/`)
	// registryID is what pack looks up in the buildpack registry. A name with a
	// dot before the slash is rather a host.
	registryID = regexp.MustCompile(`^[a-z0-9-]+/[a-z0-9.-]+(@[^:]*)?$`)
	pathLike   = regexp.MustCompile(`^\.{0,2}/|^\.{1,2}$|\.(tgz|tar|cnb|toml|tar\.gz)$|[/\\]$`)
)

// locate finds out what a locator means, in the order in which pack does: a URI
// by its scheme; otherwise a path that is there, a buildpack of the builder, an
// image.
func (r *resolver) locate(src Source) (location, error) {
	found, err := r.understand(src)
	if err != nil {
		return location{}, err
	}
	found.within = src.Within
	return found, found.checkForeign(src.Locator)
}

func (r *resolver) understand(src Source) (location, error) {
	text := src.Locator
	switch {
	case text == "":
		return location{}, misnamed(`""`, "the name is empty", "name a buildpack by id, path or image")
	case text == "from=builder" || text == "urn:cnb:builder":
		return location{kind: wholeBuilder}, nil
	case text == "urn:cnb:registry" || strings.HasPrefix(text, "urn:cnb:registry:"):
		return location{}, misnamed(text, "the buildpack registry is not supported", registryHint)
	}
	for _, prefix := range []string{"from=builder:", "urn:cnb:builder:"} {
		if name, ok := strings.CutPrefix(text, prefix); ok {
			return r.locateInBuilder(text, name)
		}
	}
	if found := scheme.FindStringSubmatch(text); found != nil {
		return locateURI(text, strings.ToLower(found[1]))
	}
	path := filepath.Join(cmp.Or(src.Dir, "."), text)
	if filepath.IsAbs(text) {
		path = text
	}
	_, err := os.Stat(path)
	id, _, _ := strings.Cut(text, "@")
	switch {
	case err == nil:
		return location{kind: localPath, at: path}, nil
	case len(r.modules[id]) > 0:
		return r.locateInBuilder(text, text)
	case pathLike.MatchString(text):
		return location{}, notThere(text, err)
	case registryID.MatchString(text):
		return location{}, misnamed(text, "there is no such path, and the builder has no such "+r.of.word+"; the buildpack registry is not supported", registryHint)
	}
	return location{kind: imageRef, at: text, bare: true}, nil
}

// locateInBuilder finds ID[@VERSION] among the builder's buildpacks.
func (r *resolver) locateInBuilder(text, name string) (location, error) {
	id, version, _ := strings.Cut(name, "@")
	ref, err := r.inBuilder(builder.Ref{ID: id, Version: version})
	if err != nil {
		hint := "the builder has no " + r.of.word + "s"
		if len(r.modules) > 0 {
			hint = "choose one of " + few(names(r.modules))
		}
		return location{}, misnamed(text, err.Error(), hint)
	}
	return location{kind: inBuilder, ref: ref}, nil
}

// inBuilder completes the version of a buildpack of the builder.
func (r *resolver) inBuilder(ref builder.Ref) (builder.Ref, error) {
	versions := slices.Sorted(maps.Keys(r.modules[ref.ID]))
	switch {
	case len(versions) == 0:
		return ref, fmt.Errorf("the builder has no %s %s", r.of.word, ref.ID)
	case ref.Version == "" && len(versions) > 1:
		return ref, fmt.Errorf("the builder has several versions of %s: %s; name one of them", ref.ID, few(versions))
	case ref.Version == "":
		ref.Version = versions[0]
	case !slices.Contains(versions, ref.Version):
		return ref, fmt.Errorf("the builder has no version %s of %s, but %s", ref.Version, ref.ID, few(versions))
	}
	return ref, nil
}

func locateURI(text, scheme string) (location, error) {
	switch scheme {
	case "docker":
		return location{kind: imageRef, at: strings.TrimLeft(text[len("docker:"):], "/")}, nil
	case "http", "https":
		return location{kind: webAddress, at: text}, nil
	case "file":
		u, err := url.Parse(text)
		if err != nil || u.Path == "" || u.Host != "" && u.Host != "localhost" {
			return location{}, misnamed(text, "this is not a path on this machine", "write it as file:///PATH, or as a plain path")
		}
		path := filepath.FromSlash(u.Path)
		if _, err := os.Stat(path); err != nil {
			return location{}, notThere(text, err)
		}
		return location{kind: localPath, at: path}, nil
	}
	return location{}, misnamed(text, fmt.Sprintf("%s:// is not supported", scheme), "use a path, docker://, https:// or file://")
}

func notThere(text string, err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = failed.Err
	}
	return misnamed(text, err.Error(), "check the path; a relative one is relative to the file that names it, or to the current directory")
}

// names lists buildpacks as ID@VERSION.
func names(modules builder.Modules) []string {
	var all []string
	for _, id := range slices.Sorted(maps.Keys(modules)) {
		for _, version := range slices.Sorted(maps.Keys(modules[id])) {
			all = append(all, id+"@"+version)
		}
	}
	return all
}

// few joins a list that may be long.
func few(list []string) string {
	const most = 20
	if len(list) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
	}
	return strings.Join(list, ", ")
}
