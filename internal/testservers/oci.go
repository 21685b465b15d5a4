package testservers

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/pack-cache/pack-cache/internal/testweb"
)

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
