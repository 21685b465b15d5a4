// Package objects keeps snapshots in a service for objects, such as a bucket of
// S3 or a container of Azure: blobs and manifests are objects, whose keys are a
// prefix and a digest or a name.
//
// A blob whose digest is not known beforehand is held in memory while it is
// small. A larger one goes up in parts, under a key of its own, and the service
// copies it to where it belongs when the digest is known. Memory is bounded for
// all blobs together, and nothing is written to a disk.
//
// What it is not for: speaking to any particular service (packages s3 and
// azblob), and verifying what was downloaded (package layers).
package objects

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/semaphore"

	"github.com/pack-cache/pack-cache/layers"
)

// Config says what a Store keeps its snapshots in. Service and Label have to be
// there.
type Config struct {
	Service Service
	// Label names the store for the user.
	Label string
	// Blobs and Manifests begin the keys of blobs and manifests. They are not
	// the same.
	Blobs, Manifests string
	// Refresh is how old a blob may become before it is touched when a snapshot
	// that needs it is saved; 0 is never.
	Refresh time.Duration
	// Parallel is how many parts go up at the same time, of all blobs together;
	// 0 is 4.
	Parallel int
	// Compares says that the service is known to obey conditions. Of others it is
	// found out.
	Compares bool
	// Create makes the place for objects, which is done before the first object
	// is written; nil if it has to be there.
	Create func(ctx context.Context) error
}

// Sizes of what goes up.
const (
	// partSize is the size of the parts of large blobs, and so the largest size
	// of a blob that goes up whole. S3 wants at least 5 MiB and at most 10 000
	// parts, which are 78 GiB.
	partSize = 8 << 20
	// maxPushes is how many blobs are pushed at the same time. Each takes the
	// memory of one part, in addition to those of Config.Parallel.
	maxPushes = 4
	// maxManifest is how large a manifest may be.
	maxManifest = 8 << 20
)

// Store keeps snapshots in an object service. It is safe for concurrent use.
type Store struct {
	config        Config
	pushes, parts *semaphore.Weighted
	buffers       sync.Pool
	// comparing is what is known about conditions: one of the constants.
	comparing atomic.Int32
	// untouchable is set when a touch has not made an object younger.
	untouchable atomic.Bool
	created     struct {
		sync.Mutex
		done bool
	}
}

// What is known about whether a service obeys conditions.
const (
	unknown = iota
	compares
	ignores
)

var (
	_ layers.Store     = (*Store)(nil)
	_ layers.Refresher = (*Store)(nil)
)

// New returns the store that config describes. It does no I/O.
func New(config Config) *Store {
	if config.Parallel == 0 {
		config.Parallel = 4
	}
	s := &Store{config: config, pushes: semaphore.NewWeighted(maxPushes), parts: semaphore.NewWeighted(int64(config.Parallel))}
	s.buffers.New = func() any { return new([partSize]byte) }
	if config.Compares {
		s.comparing.Store(compares)
	}
	return s
}

// String returns the label.
func (s *Store) String() string { return s.config.Label }

// blobKey is where a blob is.
func (s *Store) blobKey(digest v1.Hash) string { return s.config.Blobs + digest.String() }

// manifestKey is where the manifest is that a single name stands for.
func (s *Store) manifestKey(name string) string { return s.config.Manifests + name }

// Names splits a name as users write it: a;b stands for a, and for b where a is
// missing; what is saved there is saved under both.
func Names(name string) []string { return strings.Split(name, ";") }

// ensure makes the place for objects before something is written.
func (s *Store) ensure(ctx context.Context) error {
	if s.config.Create == nil {
		return nil
	}
	s.created.Lock()
	defer s.created.Unlock()
	if s.created.done {
		return nil
	}
	err := s.config.Create(ctx)
	s.created.done = err == nil
	return err
}

// missing reports whether an error says that an object is not there.
func missing(err error) bool { return errors.Is(err, layers.ErrNotFound) }

// status is that of the service's answer, 0 if there was none.
func status(err error) int {
	if answer, ok := errors.AsType[*Error](err); ok {
		return answer.Status
	}
	return 0
}

// unmet reports whether an error says that a condition does not hold.
func unmet(err error) bool {
	answer, ok := errors.AsType[*Error](err)
	return ok && (answer.Unmet || answer.Status == http.StatusPreconditionFailed || missing(err))
}
