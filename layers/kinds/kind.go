package kinds

import (
	"context"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/internal/attrs"
	"github.com/pack-cache/pack-cache/layers"
)

// Uses of a cache, as attributes are tagged with them.
const (
	toImport = "import"
	toExport = "export"
)

// labeler is an optional interface of attributes that say how messages name the
// location. Other locations are named by their reference.
type labeler interface {
	label() string
}

// imageNamed is an optional interface of attributes with a default from the app
// image, given as REGISTRY/REPOSITORY. nameAfter is called before check.
type imageNamed interface {
	nameAfter(repository string)
}

// repositoryOf is the repository of an image, without its tag, which may be
// another one in each build. An image that is not a reference is as it is.
func repositoryOf(image string) string {
	ref, err := name.ParseReference(image, name.WeakValidation)
	if err != nil {
		return image
	}
	return ref.Context().Name()
}

// Kind is one kind of cache.
type Kind struct {
	// Type is its name, as in type=local.
	Type string
	// Help says in one sentence where such a cache is kept.
	Help string
	Open OpenStore
	// Login finds the keys to a store beyond the location's secrets, where only
	// the process can that the user started: its environment and its files have
	// them. Nil if the secrets are all.
	Login func(ctx context.Context, at Location) (Keys, error)
	// Lent says that the stores are files of the machine and user that
	// pack-cache was started by. Phases see neither; they borrow the store.
	Lent bool
	// Beside makes the store of what belongs to app images, of the one that Open
	// returned for their repository. Nil for kinds that are not Export.Inline.
	Beside func(images layers.Store) (layers.Store, error)
	// attributes makes a pointer to the struct of the attributes.
	attributes func() any
}

// OpenStore opens the store at a location and returns it together with the name
// of the snapshot in it.
type OpenStore func(ctx context.Context, at Location, with Credentials) (store layers.Store, name string, err error)

// checker is an optional interface of attributes whose values have to be checked
// or completed. use is toImport or toExport. The error may be a
// *hint.UsageError.
type checker interface {
	check(use string) error
}

// exporter is an optional interface of attributes that decide about an export.
type exporter interface {
	export(to *Export)
}

// newKind makes a kind of cache whose attributes are of type A.
func newKind[A any](name, help string, open func(ctx context.Context, a A, with Credentials) (layers.Store, string, error)) Kind {
	return Kind{
		Type: name, Help: help,
		attributes: func() any { return new(A) },
		Open: func(ctx context.Context, at Location, with Credentials) (layers.Store, string, error) {
			var a A
			if err := attrs.Load(at.Attrs, &a); err != nil {
				return nil, "", err
			}
			return open(ctx, a, with)
		},
	}
}

// login says how the process that the user started finds the keys to such a
// cache: those that a does not have already. Attributes of type redact.Secret
// are among the keys without it. Opening the store, with.Login has them.
func login[A any](k Kind, find func(ctx context.Context, a A) (Keys, error)) Kind {
	k.Login = func(ctx context.Context, at Location) (Keys, error) {
		var a A
		if err := attrs.Load(at.Attrs, &a); err != nil {
			return Keys{}, err
		}
		attrs.LoadSecrets(at.Secrets, &a)
		return find(ctx, a)
	}
	return k
}

// lent says that phases cannot reach such a cache themselves.
func (k Kind) lent() Kind {
	k.Lent = true
	return k
}

// List is the kinds of caches that there are.
type List []Kind

// All lists every kind of cache.
func All() List {
	return List{
		newKind("registry", "An image in a registry.", openRegistry),
		inlineKind(),
		newKind("local", "A directory with an OCI image layout.", openLocal).lent(),
		newKind("gha", "The cache service of GitHub Actions, in its jobs or with a compatible service.", openGHA),
		login(newKind("s3", "A bucket of S3 or of a compatible service.", openS3), loginS3),
		login(newKind("azblob", "A container of Azure Blob Storage.", openAzblob), loginAzblob),
	}
}
