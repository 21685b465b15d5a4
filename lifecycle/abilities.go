package lifecycle

import (
	"context"
	"io"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Addressed is an Engine that can be had at another address than the usual one.
type Addressed interface {
	// At returns the same engine for the daemon that listens at host, such as
	// tcp://build.example.com:2376. It does no I/O.
	At(host string) Engine
}

// Pruner is an Engine that keeps unpacked builders on this machine.
type Pruner interface {
	// Prune removes those that no build has asked for since a time and none is
	// using, and returns how many bytes that freed; with dryRun it removes
	// nothing, and returns how many it would be, about.
	Prune(ctx context.Context, unusedSince time.Time, dryRun bool) (freed int64, err error)
}

// Extender is a Place that can change images with the Dockerfiles of image
// extensions (CNB Image Extension specification).
type Extender interface {
	// ExtendBuilder applies Dockerfiles to the builder, each to what the one
	// before it made. From then on BuilderRoot is the last of these images; what
	// other phases mount of the builder stays as it was.
	//
	// It returns the configs of all these images, with Config and RootFS set, the
	// builder's first. A Dockerfile that fails is an error that names its
	// extension.
	ExtendBuilder(ctx context.Context, extension Extension) ([]*v1.ConfigFile, error)
	// ExtendImage does the same with another image, which is not changed, and
	// returns the last of the images that it made. The caller closes that.
	ExtendImage(ctx context.Context, base v1.Image, extension Extension) (DaemonImage, []*v1.ConfigFile, error)
}

// Extension is the Dockerfiles for one image, and how to apply them.
type Extension struct {
	Dockerfiles []Dockerfile
	// Proxies are the variables, as KEY=VALUE, by which instructions reach a
	// network. They do not become part of the image.
	Proxies []string
	Network Network
	// Log receives the output of the instructions. It may be nil.
	Log io.Writer
}

// Dockerfile is one that an image extension has generated. It has one stage, the
// image that it is applied to, whatever it names instead.
type Dockerfile struct {
	// Extension is the ID of the image extension.
	Extension string
	Content   []byte
	// Args are build arguments as KEY=VALUE, in addition to those of the specification:
	// base_image, build_id, user_id and group_id.
	Args []string
	// Volume and Dir say where COPY and ADD find files: a directory of one of the
	// place's volumes, "." for all of it.
	Volume, Dir string
}
