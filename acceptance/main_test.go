package acceptance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pack-cache/pack-cache/internal/test/samples"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/sandbox"
)

// binary is the program under test: $PACK_CACHE_BIN, or built here.
var binary string

// engine is where tests themselves run the stock lifecycle and app images.
var engine lifecycle.Engine

func TestMain(m *testing.M) {
	sandbox.Child() // tests run app images in the sandbox themselves
	// Programs under test are to know hangups, also where nohup runs the tests.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "pack-cache-acceptance-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	unpacking := sandbox.New(sandbox.Config{StoreDir: filepath.Join(dir, "builders")})
	defer unpacking.RemoveStore(context.Background())
	engine = unpacking
	defer closeDaemons()
	binary = filepath.Join(dir, "pack-cache")
	if err := errors.Join(os.Chmod(dir, 0o755), provide(binary)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// provide puts the program where every user may run it.
func provide(path string) error {
	if given := os.Getenv("PACK_CACHE_BIN"); given != "" {
		program, err := os.ReadFile(given)
		if err != nil {
			return err
		}
		return os.WriteFile(path, program, 0o755)
	}
	build := exec.Command("go", "build", "-o", path, "github.com/pack-cache/pack-cache/cmd/pack-cache")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build pack-cache: %w\n%s", err, output)
	}
	return nil
}

// registry is a registry in which a test has builders, apps and caches.
type registry struct {
	*testregistry.Registry
	// keychain pushes builders.
	keychain authn.Keychain
}

// newRegistry starts a registry of the test's own. The first user, if there is
// one, may push.
func newRegistry(t *testing.T, options testregistry.Options) *registry {
	t.Helper()
	r := testregistry.New(t, options)
	if len(options.Users) == 0 {
		return &registry{r, authn.NewMultiKeychain()}
	}
	return &registry{r, r.Keychain(options.Users[0].Name)}
}

// ref returns the reference of a repository in the registry.
func (r *registry) ref(repository string) string { return r.Addr + "/" + repository }

// tiny pushes the tiny builder and its run image, and returns the builder's
// reference.
func (r *registry) tiny(t *testing.T, change func(*samples.Options)) string {
	t.Helper()
	return r.push(t, "tiny", samples.Tiny, change)
}

// java pushes the java builder and its run image, and returns the builder's
// reference.
func (r *registry) java(t *testing.T) string {
	t.Helper()
	return r.push(t, "java", samples.Java, nil)
}

// assembling keeps tests that run side by side from assembling the same
// builder at the same time.
var assembling sync.Mutex

func (r *registry) push(t *testing.T, name string, assemble func(context.Context, samples.Options) (*samples.Builder, error), change func(*samples.Options)) string {
	t.Helper()
	options := samples.Options{RunImage: r.ref("samples/" + name + "-run")}
	if change != nil {
		change(&options)
	}
	assembling.Lock()
	defer assembling.Unlock()
	builder, err := assemble(t.Context(), options)
	if err != nil {
		t.Fatalf("assemble the %s builder: %v", name, err)
	}
	ref := r.ref("samples/" + name + "-builder")
	err = builder.Push(t.Context(), ref, remote.WithAuthFromKeychain(r.keychain), remote.WithTransport(r.Transport()))
	if err != nil {
		t.Fatalf("push the %s builder: %v", name, err)
	}
	return ref
}
