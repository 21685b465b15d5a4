package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers"
)

// bugVariable names the bug that the fake has, for a run of this test by
// TestSuiteFindsBugs.
const bugVariable = "STORETEST_BUG"

func TestSuite(t *testing.T) {
	bug := os.Getenv(bugVariable)
	Run(t, func(*testing.T) layers.Store {
		return &fake{bug: bug, blobs: map[v1.Hash][]byte{}, names: map[string]named{}}
	}, Options{
		Secrets: []string{"hush"},
		Large:   1 << 20,
		ReadOnly: func(_ *testing.T, s layers.Store) layers.Store {
			return &limited{fake: s.(*fake), read: true}
		},
		Denied: func(_ *testing.T, s layers.Store) layers.Store {
			return &limited{fake: s.(*fake)}
		},
	})
}

// TestSuiteFindsBugs checks that the suite fails for each bug of the fake.
func TestSuiteFindsBugs(t *testing.T) {
	t.Parallel()
	for _, bug := range []string{
		"resolves another name", "not-found is another error", "manifest is rewritten", "media type is lost",
		"range ignores length", "error beyond the end", "missing blob is empty", "negative range",
		"opens what is there", "sends what is there", "trusts the digest", "keeps half a blob", "source stays open", "closing is not checked",
		"source's error is lost", "size is lost", "wanted media type is lost",
		"push moves the name", "no conflict", "conflict when repeated", "conflict moves the name",
		"ignores the context", "read ignores the context", "tells a secret", "name tells a secret", "hint is missing", "denied is another error",
	} {
		t.Run(bug, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSuite$")
			cmd.Env = append(os.Environ(), bugVariable+"="+bug)
			out, err := cmd.CombinedOutput()
			if _, failed := errors.AsType[*exec.ExitError](err); !failed {
				t.Errorf("not found: %v", err)
			} else if !bytes.Contains(out, []byte("--- FAIL: TestSuite/")) {
				t.Errorf("failed otherwise: %s", out)
			}
		})
	}
}

var _ layers.Store = (*fake)(nil)

// fake is a store in memory, with at most one bug.
type fake struct {
	bug string

	mu    sync.Mutex
	blobs map[v1.Hash][]byte
	names map[string]named
}

type named struct {
	desc     v1.Descriptor
	manifest []byte
}

func (f *fake) has(bug string) bool { return f.bug == bug }

func (f *fake) String() string {
	if f.has("name tells a secret") {
		return "user:hush@memory"
	}
	return "memory"
}

func (f *fake) Resolve(ctx context.Context, name string) (v1.Descriptor, []byte, error) {
	if err := f.ended(ctx); err != nil {
		return v1.Descriptor{}, nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n, ok := f.names[name]
	if f.has("resolves another name") && !ok && name == "mai" {
		n, ok = f.names["main"]
	}
	switch {
	case !ok && f.has("not-found is another error"):
		return v1.Descriptor{}, nil, errors.New("no such name")
	case !ok && f.has("tells a secret"):
		return v1.Descriptor{}, nil, fmt.Errorf("hush: %w", layers.ErrNotFound)
	case !ok:
		return v1.Descriptor{}, nil, layers.ErrNotFound
	case f.has("manifest is rewritten"):
		n.manifest = bytes.TrimSpace(n.manifest)
	case f.has("media type is lost"):
		n.desc.MediaType = types.OCIManifestSchema1
	}
	return n.desc, n.manifest, nil
}

// ended is the context's error, which half of all bugs are about.
func (f *fake) ended(ctx context.Context) error {
	if f.has("ignores the context") {
		return nil
	}
	return ctx.Err()
}

func (f *fake) Open(ctx context.Context, blob v1.Descriptor, offset, length int64) (io.ReadCloser, error) {
	if err := f.ended(ctx); err != nil {
		return nil, err
	}
	f.mu.Lock()
	b, ok := f.blobs[blob.Digest]
	f.mu.Unlock()
	switch {
	case (offset < 0 || length < -1) && !f.has("negative range"):
		return nil, errors.New("invalid range")
	case !ok && !f.has("missing blob is empty"):
		return nil, layers.ErrNotFound
	case offset > int64(len(b)) && f.has("error beyond the end"):
		return nil, errors.New("out of range")
	}
	b = b[min(max(offset, 0), int64(len(b))):]
	if length >= 0 && !f.has("range ignores length") {
		b = b[:min(length, int64(len(b)))]
	}
	r := bytes.NewReader(b)
	return io.NopCloser(readerFunc(func(p []byte) (int, error) {
		if ctx.Err() != nil && !f.has("read ignores the context") {
			return 0, ctx.Err()
		}
		return r.Read(p)
	})), nil
}

func (f *fake) Push(ctx context.Context, want v1.Descriptor, open func() (io.ReadCloser, error)) (layers.Pushed, error) {
	if err := f.ended(ctx); err != nil {
		return layers.Pushed{}, err
	}
	f.mu.Lock()
	b, ok := f.blobs[want.Digest]
	f.mu.Unlock()
	if ok && !f.has("opens what is there") {
		want.Size = int64(len(b))
		p := layers.Pushed{Descriptor: want}
		if f.has("sends what is there") {
			p.Sent = want.Size
		}
		return p, nil
	}
	r, err := open()
	if err != nil {
		return layers.Pushed{}, err
	}
	b, err = io.ReadAll(r)
	if !f.has("source stays open") {
		closed := r.Close()
		if err == nil && !f.has("closing is not checked") {
			err = closed
		}
	}
	if err := f.ended(ctx); err != nil {
		return layers.Pushed{}, err
	}
	return f.store(want, b, err)
}

// store keeps what was read of a blob until err.
func (f *fake) store(want v1.Descriptor, b []byte, err error) (layers.Pushed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	digest := hashOf(b)
	switch {
	case err != nil && f.has("source's error is lost"):
		return layers.Pushed{}, errors.New("failed")
	case err != nil && f.has("keeps half a blob"):
		f.blobs[digest] = b
		return layers.Pushed{}, err
	case err != nil:
		return layers.Pushed{}, err
	case want.Digest != v1.Hash{} && want.Digest != digest && !f.has("trusts the digest"):
		return layers.Pushed{}, errors.New("wrong digest")
	case want.Digest == v1.Hash{}:
		want.Digest = digest
	}
	f.blobs[want.Digest] = b
	want.Size = int64(len(b))
	switch {
	case f.has("size is lost"):
		want.Size = 0
	case f.has("wanted media type is lost"):
		want.MediaType = types.OCILayer
	case f.has("push moves the name"):
		f.names["main"] = named{want, b}
	}
	return layers.Pushed{Descriptor: want, Sent: int64(len(b))}, nil
}

func (f *fake) Commit(ctx context.Context, name, mediaType string, manifest []byte, previous v1.Hash) (v1.Descriptor, error) {
	if err := f.ended(ctx); err != nil {
		return v1.Descriptor{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	desc := v1.Descriptor{MediaType: types.MediaType(mediaType), Digest: hashOf(manifest), Size: int64(len(manifest))}
	now := f.names[name].desc.Digest
	if now == desc.Digest && !f.has("conflict when repeated") {
		return desc, nil
	}
	if now != previous && !f.has("no conflict") {
		if f.has("conflict moves the name") {
			f.names[name] = named{desc, manifest}
		}
		return v1.Descriptor{}, layers.ErrConflict
	}
	f.names[name] = named{desc, manifest}
	return desc, nil
}

// limited is a fake for somebody who may read it, or not even that.
type limited struct {
	*fake
	read bool
}

func (l *limited) Resolve(ctx context.Context, name string) (v1.Descriptor, []byte, error) {
	if !l.read {
		return v1.Descriptor{}, nil, l.denied()
	}
	return l.fake.Resolve(ctx, name)
}

func (l *limited) Open(ctx context.Context, blob v1.Descriptor, offset, length int64) (io.ReadCloser, error) {
	if !l.read {
		return nil, l.denied()
	}
	return l.fake.Open(ctx, blob, offset, length)
}

func (l *limited) Push(ctx context.Context, want v1.Descriptor, open func() (io.ReadCloser, error)) (layers.Pushed, error) {
	if _, ok := l.blobs[want.Digest]; ok && l.read {
		return l.fake.Push(ctx, want, open)
	}
	return layers.Pushed{}, l.denied()
}

func (l *limited) Commit(context.Context, string, string, []byte, v1.Hash) (v1.Descriptor, error) {
	return v1.Descriptor{}, l.denied()
}

func (l *limited) denied() error {
	switch {
	case l.has("hint is missing"):
		return layers.ErrDenied
	case l.has("denied is another error"):
		return hint.Errorf("ask somebody else", "no")
	}
	return hint.With("ask somebody else", layers.ErrDenied)
}
