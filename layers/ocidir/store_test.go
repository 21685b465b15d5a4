package ocidir

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/layers"
)

// TestReset removes what no name leads to any more, and nothing else.
func TestReset(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keeps := New(Config{Dir: dir})
	other := save(t, keeps, "other", "other", v1.Hash{})
	first := save(t, keeps, "main", "one", v1.Hash{})
	lost := put(t, keeps, types.OCILayer, "nobody's").Digest
	second := save(t, keeps, "main", "two", first)
	artifact, index := nested(t, keeps)
	for _, digest := range []v1.Hash{first, lost, hashOf([]byte("one"))} {
		if !keeps.has(digest) {
			t.Fatalf("%s is gone without reset", digest)
		}
	}

	if err := keeps.Close(); err != nil { // what it pushed last will not be committed
		t.Fatal(err)
	}
	third := save(t, New(Config{Dir: dir, Reset: true}), "main", "three", second)
	wantResolved(t, keeps, "main", third)
	wantResolved(t, keeps, "other", other)
	for _, content := range []string{"three", "other", "in an index", "in an artifact"} {
		if !keeps.has(hashOf([]byte(content))) {
			t.Errorf("blob %q is gone", content)
		}
	}
	for _, digest := range []v1.Hash{artifact, index} {
		if !keeps.has(digest) {
			t.Errorf("manifest %s is gone", digest)
		}
	}
	for _, digest := range []v1.Hash{first, second, lost, hashOf([]byte("one")), hashOf([]byte("two"))} {
		if keeps.has(digest) {
			t.Errorf("%s is still there", digest)
		}
	}
}

// nested stores an index with an image and one with an artifact, as other tools
// do.
func nested(t *testing.T, s *Store) (artifact, index v1.Hash) {
	t.Helper()
	inner := put(t, s, types.OCIManifestSchema1, string(image(t, s, "in an index")))
	outer := put(t, s, types.OCIImageIndex, `{"schemaVersion":2,"manifests":[`+text(inner)+`]}`)
	blob := put(t, s, "application/octet-stream", "in an artifact")
	old := put(t, s, "application/vnd.oci.artifact.manifest.v1+json", `{"blobs":[`+text(blob)+`]}`)
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	read, err := readIndex(root)
	if err != nil {
		t.Fatal(err)
	}
	content, err := read.marshal()
	if err == nil {
		err = errors.Join(read.put("index", outer), read.put("artifact", old))
		content, _ = read.marshal()
	}
	if err == nil {
		err = writeFile(root, indexName, content)
	}
	if err != nil {
		t.Fatal(err)
	}
	return old.Digest, outer.Digest
}

func text(d v1.Descriptor) string {
	return `{"mediaType":"` + string(d.MediaType) + `","digest":"` + d.Digest.String() + `","size":` + "1" + `}`
}

// TestResetSpares leaves alone what another build has written and not committed.
func TestResetSpares(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := save(t, New(Config{Dir: dir}), "main", "one", v1.Hash{})
	other := New(Config{Dir: dir, Reset: true})
	manifest := image(t, other, "other's")
	second := save(t, New(Config{Dir: dir, Reset: true}), "main", "two", first)
	if New(Config{Dir: dir}).has(hashOf([]byte("one"))) {
		t.Error("what was replaced is still there")
	}
	if _, err := other.Commit(t.Context(), "other", string(types.OCIManifestSchema1), manifest, v1.Hash{}); err != nil {
		t.Errorf("the other build cannot commit: %v", err)
	}
	killed := New(Config{Dir: dir})
	lost := put(t, killed, types.OCILayer, "never committed").Digest
	killed.writing.mark.file.Close() // as the end of a process does
	save(t, New(Config{Dir: dir, Reset: true}), "main", "three", second)
	if other.has(lost) {
		t.Error("what a killed build has left is still there")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, tempPrefix+"*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestResetDamaged saves although what another name stands for is damaged.
func TestResetDamaged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := New(Config{Dir: dir, Reset: true})
	first := save(t, s, "main", "one", v1.Hash{})
	broken := put(t, s, types.OCIManifestSchema1, "no JSON")
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	read, err := readIndex(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := read.put("broken", broken); err != nil {
		t.Fatal(err)
	}
	content, err := read.marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := writeFile(root, indexName, content); err != nil {
		t.Fatal(err)
	}
	second := image(t, s, "two")
	if _, err := s.Commit(t.Context(), "main", string(types.OCIManifestSchema1), second, first); err != nil {
		t.Fatal(err)
	}
	wantResolved(t, s, "main", hashOf(second))
	if s.has(hashOf([]byte("one"))) {
		t.Error("a blob that was replaced is still there")
	}
}

// TestCommitIncomplete refuses a snapshot of which a blob has been removed since.
func TestCommitIncomplete(t *testing.T) {
	t.Parallel()
	s := New(Config{Dir: t.TempDir()})
	first := save(t, s, "main", "one", v1.Hash{})
	manifest := image(t, s, "two")
	if err := os.Remove(filepath.Join(s.dir, blobPath(hashOf([]byte("two"))))); err != nil {
		t.Fatal(err)
	}
	_, err := s.Commit(t.Context(), "main", string(types.OCIManifestSchema1), manifest, first)
	if !errors.Is(err, layers.ErrNotFound) || !strings.Contains(err.Error(), "no longer there") {
		t.Errorf("error %v", err)
	}
	wantResolved(t, s, "main", first)
}

// TestDamagedBlob stores a blob anew over one of the wrong size or content.
func TestDamagedBlob(t *testing.T) {
	t.Parallel()
	s := New(Config{Dir: t.TempDir()})
	blob := put(t, s, types.OCILayer, "content")
	path := filepath.Join(s.dir, blobPath(blob.Digest))
	for _, test := range []struct {
		name, damaged string
		want          v1.Descriptor
	}{
		{"cut short, digest known", "con", blob},
		{"cut short, digest not known", "con", v1.Descriptor{}},
		{"changed, digest not known", "CONTENT", v1.Descriptor{}},
	} {
		if err := os.WriteFile(path, []byte(test.damaged), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := s.Push(t.Context(), test.want, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("content")), nil })
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "content" {
			t.Errorf("%s: %q, %v", test.name, got, err)
		}
	}
}

func TestDamagedManifest(t *testing.T) {
	t.Parallel()
	s := New(Config{Dir: t.TempDir()})
	digest := save(t, s, "main", "one", v1.Hash{})
	path := filepath.Join(s.dir, blobPath(digest))
	if err := os.WriteFile(path, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Resolve(t.Context(), "main"); !errors.Is(err, layers.ErrCorrupt) {
		t.Errorf("changed: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Resolve(t.Context(), "main"); !errors.Is(err, layers.ErrCorrupt) || errors.Is(err, layers.ErrNotFound) {
		t.Errorf("removed: %v", err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, indexName), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Resolve(t.Context(), "main"); err == nil || errors.Is(err, layers.ErrNotFound) {
		t.Errorf("broken index: %v", err)
	}
}

// TestLeftovers removes what killed processes have left, and only that.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	s := New(Config{Dir: t.TempDir()})
	first := save(t, s, "main", "one", v1.Hash{})
	dead := filepath.Join(s.dir, tempPrefix+"dead")
	if err := os.WriteFile(dead, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	alive, err := newTemp(root)
	if err != nil {
		t.Fatal(err)
	}
	save(t, s, "main", "two", first)
	if _, err := os.Stat(dead); err == nil {
		t.Error("a leftover is still there")
	}
	if err := alive.publish("published"); err != nil {
		t.Errorf("a file was removed while it was written: %v", err)
	}
}

// TestClose leaves nothing of a save that was not committed but its blobs.
func TestClose(t *testing.T) {
	t.Parallel()
	s := New(Config{Dir: t.TempDir()})
	save(t, s, "main", "one", v1.Hash{})
	put(t, s, types.OCILayer, "not committed")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	put(t, s, types.OCILayer, "still usable")
}

// TestLockIsHeld waits for another writer as long as the context lasts.
func TestLockIsHeld(t *testing.T) {
	t.Parallel()
	s := New(Config{Dir: t.TempDir()})
	first := save(t, s, "main", "one", v1.Hash{})
	manifest := image(t, s, "two")
	// As BuildKit does it.
	lock, err := os.OpenFile(filepath.Join(s.dir, "index.json.lock"), os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := s.Commit(ctx, "main", string(types.OCIManifestSchema1), manifest, first)
		done <- err
	}()
	wantResolved(t, s, "main", first) // readers need no lock
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
	if err := errors.Join(os.Remove(lock.Name()), lock.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(t.Context(), "main", string(types.OCIManifestSchema1), manifest, first); err != nil {
		t.Error(err)
	}
}

// TestNotRegular opens nothing that could block or be endless.
func TestNotRegular(t *testing.T) {
	t.Parallel()
	s := New(Config{Dir: t.TempDir()})
	blob := put(t, s, types.OCILayer, "content")
	path := filepath.Join(s.dir, blobPath(blob.Digest))
	if err := errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o644)); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Open(t.Context(), blob, 0, -1); err == nil {
		r.Close()
		t.Error("a named pipe was opened")
	}
}

// TestBlockedSource does not wait for a source that hangs when the context has
// ended.
func TestBlockedSource(t *testing.T) {
	t.Parallel()
	s := New(Config{Dir: t.TempDir()})
	reader, writer := io.Pipe()
	defer writer.Close()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.Push(ctx, v1.Descriptor{}, func() (io.ReadCloser, error) {
		cancel()
		return reader, nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}
