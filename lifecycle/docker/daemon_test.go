package docker

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/volume"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/test/testdocker"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
)

// bench is a daemon with an engine for it.
type bench struct {
	host   string
	engine *Engine
	daemon *daemon
}

// newBench starts a daemon.
func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{host: testdocker.New(t, testdocker.Options{}).Host}
	b.engine = New(Config{Host: b.host, Executable: enginetest.Program(t), Init: initProgram(t)})
	var err error
	if b.daemon, err = b.engine.ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

// open opens a place that the test's end closes.
func (b *bench) open(t *testing.T, builder v1.Image) lifecycle.Place {
	t.Helper()
	place, err := b.engine.Open(t.Context(), lifecycle.PlaceSpec{
		Builder: builder, User: lifecycle.User{UID: 1001, GID: 1002}, Volumes: []string{"layers"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := place.Close(); err != nil {
			t.Error(err)
		}
	})
	return place
}

// say is a phase that does little.
func say() lifecycle.Phase {
	return lifecycle.Phase{
		Name: lifecycle.Detect, Root: lifecycle.OwnRoot, User: lifecycle.User{UID: 1001, GID: 1002},
		Args: []string{"say", "something"}, Dir: "/", Network: lifecycle.NetworkNone,
	}
}

func TestDaemon(t *testing.T) {
	b := newBench(t)
	t.Run("configuration has no secrets", b.testSecrets)
	t.Run("a builder is sent once", b.testBuilderIsSentOnce)
	t.Run("a builder that cannot be read", b.testBrokenBuilder)
	t.Run("what a lost build left goes", b.testLeftovers)
	t.Run("unused images go", b.testOldImages)
	t.Run("over ssh", b.testSSH)
}

// testSecrets looks at a phase as every user of the daemon can.
func (b *bench) testSecrets(t *testing.T) {
	const canary = "canary-5b1f0c"
	place := b.open(t, plainBuilder(t))
	phase := say()
	phase.Args, phase.Env = []string{"keep"}, []string{"HTTPS_PROXY=http://me:" + canary + "@proxy"}
	stdin, feed := io.Pipe()
	said, stdout := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- place.Run(t.Context(), phase, lifecycle.Streams{Stdin: stdin, Stdout: stdout})
		stdout.Close()
	}()
	if _, err := io.WriteString(feed, canary); err != nil {
		t.Fatal(err)
	}
	feed.Close()
	if _, err := io.ReadFull(said, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	containers, err := b.daemon.api.ContainerList(t.Context(), container.ListOptions{Filters: filters.NewArgs(filters.Arg("label", Label))})
	if err != nil {
		t.Fatal(err)
	}
	if len(containers) != 2 {
		t.Errorf("%d containers, want the attendant and the phase", len(containers))
	}
	for _, c := range containers {
		_, raw, err := b.daemon.api.ContainerInspectWithRaw(t.Context(), c.ID, false)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, []byte(canary)) {
			t.Errorf("%v has the secret: %s", c.Names, raw)
		}
	}
	if err := place.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("a phase came to a good end when its place was closed")
	}
}

// unreadable is an image whose layers cannot be read.
type unreadable struct{ v1.Image }

var errUnreadable = errors.New("the layer is not to be read")

func (u unreadable) Layers() ([]v1.Layer, error) {
	layers, err := u.Image.Layers()
	for i, layer := range layers {
		layers[i] = unreadableLayer{layer}
	}
	return layers, err
}

func (unreadable) LayerByDigest(v1.Hash) (v1.Layer, error) { return nil, errUnreadable }
func (unreadable) LayerByDiffID(v1.Hash) (v1.Layer, error) { return nil, errUnreadable }

type unreadableLayer struct{ v1.Layer }

func (unreadableLayer) Compressed() (io.ReadCloser, error)   { return nil, errUnreadable }
func (unreadableLayer) Uncompressed() (io.ReadCloser, error) { return nil, errUnreadable }

func (b *bench) testBuilderIsSentOnce(t *testing.T) {
	builder := plainBuilder(t)
	b.open(t, builder)
	b.open(t, unreadable{builder})
}

func (b *bench) testBrokenBuilder(t *testing.T) {
	_, err := b.engine.Open(t.Context(), lifecycle.PlaceSpec{
		Builder: unreadable{enginetest.Builder(t)}, User: lifecycle.User{UID: 1, GID: 1},
	})
	if !errors.Is(err, errUnreadable) {
		t.Errorf("got %v, want why the builder cannot be read", err)
	}
}

// testLeftovers makes what a build leaves whose pack-cache was killed, and what
// only looks like it.
func (b *bench) testLeftovers(t *testing.T) {
	api := b.daemon.api
	own, err := b.daemon.ownImage(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	label := map[string]string{Label: "lost"}
	for name, labels := range map[string]map[string]string{"pack-cache-lost-1": label, "somebody": label, "pack-cache-other": nil} {
		config := &container.Config{Image: own, Labels: labels, Cmd: []string{"/x"}}
		if _, err := api.ContainerCreate(t.Context(), config, nil, nil, nil, name); err != nil {
			t.Fatal(err)
		}
		if _, err := api.VolumeCreate(t.Context(), volume.CreateOptions{Name: name, Labels: labels}); err != nil {
			t.Fatal(err)
		}
	}
	lost, err := api.ContainerCommit(t.Context(), "pack-cache-lost-1", container.CommitOptions{Reference: placeRepository + ":lost"})
	if err != nil {
		t.Fatal(err)
	}
	running := b.open(t, plainBuilder(t)) // its attendant runs, and has its volumes
	defer func() { b.daemon.oldPlace = oldPlace }()

	b.open(t, plainBuilder(t))
	if left := b.names(t); !slices.Contains(left, "/pack-cache-lost-1") {
		t.Errorf("what may be in use has gone: %v", left)
	}
	b.daemon.oldPlace = 0
	b.open(t, plainBuilder(t))
	left := b.names(t)
	for _, name := range []string{"/somebody", "/pack-cache-other", "somebody", "pack-cache-other"} {
		if !slices.Contains(left, name) {
			t.Errorf("%s of somebody else has gone", name)
		}
	}
	for _, name := range []string{"/pack-cache-lost-1", "pack-cache-lost-1"} {
		if slices.Contains(left, name) {
			t.Errorf("%s is still there", name)
		}
	}
	if _, err := api.ImageInspect(t.Context(), lost.ID); err == nil {
		t.Error("an image is still there")
	}
	if err := running.Run(t.Context(), say(), lifecycle.Streams{}); err != nil {
		t.Errorf("a place in use: %v", err)
	}
}

// names lists containers and volumes.
func (b *bench) names(t *testing.T) []string {
	t.Helper()
	containers, err := b.daemon.api.ContainerList(t.Context(), container.ListOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	volumes, err := b.daemon.api.VolumeList(t.Context(), volume.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, c := range containers {
		all = append(all, c.Names...)
	}
	for _, v := range volumes.Volumes {
		all = append(all, v.Name)
	}
	return all
}

// testOldImages has an image become old while another is loaded.
func (b *bench) testOldImages(t *testing.T) {
	tags := func() []string {
		images, err := b.daemon.api.ImageList(t.Context(), image.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, i := range images {
			all = append(all, i.RepoTags...)
		}
		return all
	}
	env := func(content string) []string {
		path := filepath.Join(t.TempDir(), "ca.pem")
		if err := os.WriteFile(path, block("CERTIFICATE", content), 0o644); err != nil {
			t.Fatal(err)
		}
		return []string{"SSL_CERT_FILE=" + path}
	}
	before := tags()
	added := func() []string {
		return slices.DeleteFunc(tags(), func(tag string) bool { return slices.Contains(before, tag) })
	}
	use := func(content string) {
		if _, err := b.daemon.ownImage(t.Context(), env(content)); err != nil {
			t.Fatal(err)
		}
	}
	use("one")
	use("two")
	if got := added(); len(got) != 2 {
		t.Errorf("%v have come, not two", got)
	}
	b.daemon.oldImage = 0
	defer func() { b.daemon.oldImage = oldImage }()
	use("three")
	if got := added(); len(got) != 1 {
		t.Errorf("%v is left, not just the new one", got)
	}
	use("one")
}

// testSSH reaches the daemon by way of a program ssh.
func (b *bench) testSSH(t *testing.T) {
	bin := t.TempDir()
	log := filepath.Join(bin, "log")
	script := "#!/bin/sh\necho \"$@\" >>" + log + "\nexec docker -H " + b.host + " system dial-stdio\n"
	if err := os.WriteFile(filepath.Join(bin, "ssh"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("DOCKER_HOST", "ssh://me@build.example.com")
	engine := New(Config{Executable: enginetest.Program(t), Init: initProgram(t)})
	far := &bench{engine: engine}
	place := far.open(t, plainBuilder(t))
	var stdout strings.Builder
	phase := say()
	phase.Args = []string{"cat"}
	err := place.Run(t.Context(), phase, lifecycle.Streams{Stdin: strings.NewReader("there and back"), Stdout: &stdout})
	if err != nil || stdout.String() != "there and back" {
		t.Errorf("%q, %v", stdout.String(), err)
	}
	said, err := os.ReadFile(log)
	if err != nil || !bytes.Contains(said, []byte("build.example.com")) {
		t.Errorf("ssh was called with %q, %v", said, err)
	}
}

// TestReadPrograms checks that a program which is both is sent once.
func TestReadPrograms(t *testing.T) {
	t.Parallel()
	program := enginetest.Program(t)
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	read, err := readPrograms(Config{Executable: program, Init: program}, runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	size, err := read.layer.Size()
	if err != nil {
		t.Fatal(err)
	}
	if size > info.Size()+8<<10 {
		t.Errorf("the layer has %d bytes, the program %d", size, info.Size())
	}
}
