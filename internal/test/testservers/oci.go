package testservers

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testweb"
)

// Registry is an OCI registry of another project.
type Registry struct {
	// Name is that of its tool, Module the Go module that it is made of.
	Name, Module string
	// Shares says that a blob is in every repository once it is in one.
	Shares bool
	// New starts one with nothing in it for a test and returns its address,
	// HOST:PORT.
	New func(testing.TB) string
}

// Registries lists all there are, Debian's docker-registry apart, which is
// testregistry's.
func Registries() []Registry {
	return []Registry{
		{Name: "olareg", Module: "github.com/olareg/olareg", New: NewOlareg},
		{Name: "distribution", Module: "github.com/distribution/distribution/v3", New: NewDistribution},
		{Name: "ociregistry", Module: "cuelabs.dev/go/oci/ociregistry", New: NewOCIRegistry},
		{Name: "crane", Module: "github.com/google/go-containerregistry", New: NewCraneRegistry, Shares: true},
	}
}

// NewOlareg starts olareg for a test and returns its address, HOST:PORT: an OCI
// registry that lists referrers and checks that blobs exist.
func NewOlareg(t testing.TB) string {
	t.Helper()
	program, addr := Find(t, "olareg"), FreeAddress(t)
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	Start(t, Command{
		Path: program, Dir: t.TempDir(),
		Args: []string{"serve", "--addr", host, "--port", port, "--store-type", "mem", "--api-delete", "--api-blob-delete",
			"--gc-frequency", "-1s"},
		Ready: Answers(testweb.Client(t), "http://"+addr+"/v2/"),
	})
	return addr
}

// NewDistribution starts version 3 of CNCF's distribution for a test and returns
// its address, HOST:PORT: an OCI registry without lists of referrers.
func NewDistribution(t testing.TB) string {
	t.Helper()
	program, addr, dir := Find(t, "distribution"), FreeAddress(t), t.TempDir()
	type object map[string]any
	config, err := json.Marshal(object{
		"version": "0.1",
		"storage": object{
			"filesystem": object{"rootdirectory": filepath.Join(dir, "data")},
			"delete":     object{"enabled": true},
		},
		"http": object{"addr": addr},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	Start(t, Command{
		Path: program, Dir: dir, Args: []string{"serve", file},
		Env:   []string{"OTEL_TRACES_EXPORTER=none"},
		Ready: Answers(testweb.Client(t), "http://"+addr+"/v2/"),
	})
	return addr
}

// NewOCIRegistry starts the registry of CUE for a test and returns its address,
// HOST:PORT. It lists referrers, has everything in memory, and wants every blob of
// a manifest to be there.
func NewOCIRegistry(t testing.TB) string {
	t.Helper()
	return startRegistry(t, "ociregistry")
}

// NewCraneRegistry starts the registry that crane has, `crane registry serve`, for
// a test and returns its address, HOST:PORT.
func NewCraneRegistry(t testing.TB) string {
	t.Helper()
	return startRegistry(t, "crane", "registry", "serve", "--address")
}

// startRegistry starts a tool that serves a registry in memory at the address after
// its arguments.
func startRegistry(t testing.TB, tool string, args ...string) (address string) {
	t.Helper()
	program, address := Find(t, tool), FreeAddress(t)
	Start(t, Command{
		Path: program, Dir: t.TempDir(), Args: append(args, address),
		Ready: Answers(testweb.Client(t), "http://"+address+"/v2/"),
	})
	return address
}
