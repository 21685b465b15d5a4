package kinds

import (
	"context"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/layers"
)

// Uses of a cache, as attributes are tagged with them.
const (
	toImport = "import"
	toExport = "export"
)

// kind is one kind of cache.
type kind struct {
	// name is as in type=local, and help says in one sentence where such a cache is
	// kept.
	name, help string
	// attributes makes a pointer to the struct of the attributes.
	attributes func() attributes
}

// all lists every kind of cache.
func all() []kind {
	return []kind{
		{"registry", "An image in a registry.", func() attributes { return new(registryAttrs) }},
		{"inline", "The app image itself. It needs --publish, and is imported with type=registry,ref=IMAGE.", func() attributes { return new(inlineAttrs) }},
		{"local", "A directory with an OCI image layout.", func() attributes { return new(localAttrs) }},
		{"gha", "The cache service of GitHub Actions, in its jobs or with a compatible service.", func() attributes { return new(ghaAttrs) }},
		{"s3", "A bucket of S3 or of a compatible service.", func() attributes { return new(s3Attrs) }},
		{"azblob", "A container of Azure Blob Storage.", func() attributes { return new(azblobAttrs) }},
	}
}

// attributes are what is said of a location of one kind: a pointer to a struct,
// whose tags package attrs reads. Its fields travel to phases as JSON, except those
// of type redact.Secret, which have the tag json:"-".
type attributes interface {
	// complete fills in what the user left out, and fails if the attributes make no
	// sense. image is the app image's repository, "" if there is none. The error may
	// be a *hint.UsageError.
	complete(use, image string) error
	// facts says what others than the store need to know.
	facts() Facts
	// names lists the caches that the user named, nil if none. given reports whether
	// an attribute was given.
	names(given func(attribute string) bool) []string
	// open makes the store. It does no I/O with the store.
	open(ctx context.Context, with Access) (layers.Store, error)
}

// keyed is an optional interface of attributes of stores that have keys.
type keyed interface {
	// find returns the keys as the struct that open expects, and when others are
	// needed; the zero time is never. It runs in the process that the user started:
	// its environment and its files have what the attributes do not say.
	find(ctx context.Context) (keys any, expires time.Time, err error)
}

// exporter is an optional interface of attributes that decide about an export.
type exporter interface {
	export(to *Export)
}

// Facts is what others than the store of a location need to know of it.
type Facts struct {
	// Label is how the user is told of the location.
	Label string
	// Snapshot is the name of the snapshot in the store.
	Snapshot string
	// Image is the reference of the cache if it is in a registry, else nil. Insecure
	// says that the registry may be reached without verified TLS.
	Image    name.Reference
	Insecure bool
	// Dir is the directory that the cache is in, if it is on the machine of the
	// process that the user started. Phases do not see it, and borrow the store.
	Dir string
	// Service is the address of any other service, as far as it is known.
	Service string
}
