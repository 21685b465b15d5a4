package kinds

import (
	"cmp"
	"context"
	"path/filepath"
	"regexp"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/layers/ocidir"
)

// Directory is the location of a cache in a directory of this machine. tag is its name
// there, "" for the usual one.
func Directory(dir, tag string) Location {
	return Location{Place: Place{"local", &localAttrs{Dest: dir, Tag: cmp.Or(tag, "latest")}}}
}

// localAttrs are the attributes of type=local.
type localAttrs struct {
	Dest   string `attr:"dest" only:"export" required:"true" form:"directory" help:"where to save; made if it is not there"`
	Src    string `attr:"src" only:"import" required:"true" form:"directory" help:"where to look"`
	Tag    string `attr:"tag" default:"latest" form:"name" help:"name in the directory's index.json"`
	Digest string `attr:"digest" only:"import" form:"digest" help:"an older snapshot, by its manifest's digest (default: the tag's)"`
	Reset  bool   `attr:"reset" only:"export" default:"false" help:"remove blobs that index.json does not reach any more"`
}

// layoutName is the grammar of names in an image layout (image specification,
// "Annotation Rules", org.opencontainers.image.ref.name).
var layoutName = regexp.MustCompile(`^[A-Za-z0-9_]+([-._:@/+]+[A-Za-z0-9_]+)*$`)

func (a *localAttrs) complete(use, _ string) error {
	if !layoutName.MatchString(a.Tag) {
		return hint.Usagef("use letters and digits, with . _ - : @ / + between them", "attribute tag: %q is not a name", a.Tag)
	}
	if _, err := v1.NewHash(a.Tag); err == nil {
		return hint.Usagef("write digest="+a.Tag+" to import an older snapshot", "attribute tag: %q is a digest", a.Tag)
	}
	if a.Digest != "" {
		if _, err := v1.NewHash(a.Digest); err != nil {
			return hint.Usagef("write sha256: and 64 hexadecimal digits", "attribute digest: %q is not a digest", a.Digest)
		}
	}
	// The phases have another working directory.
	dir := &a.Dest
	if use == toImport {
		dir = &a.Src
	}
	var err error
	*dir, err = filepath.Abs(*dir)
	return err
}

func (a *localAttrs) facts() Facts {
	dir, snapshot := cmp.Or(a.Dest, a.Src), cmp.Or(a.Digest, a.Tag)
	return Facts{Label: layers.At(dir, snapshot), Snapshot: snapshot, Dir: dir}
}

func (a *localAttrs) names(given func(string) bool) []string {
	if given("tag") {
		return []string{a.Tag}
	}
	return nil
}

func (a *localAttrs) open(context.Context, Access) (layers.Store, error) {
	return ocidir.New(ocidir.Config{Dir: cmp.Or(a.Dest, a.Src), Reset: a.Reset}), nil
}
