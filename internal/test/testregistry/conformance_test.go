package testregistry

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testran"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
)

// TestConformance runs OCI's conformance tests, version 1.1 of the distribution
// specification, against the registries that other tests use, through the proxy
// that makes faults: without a rule it changes nothing. Each registry lacks what it
// lacks without the proxy, and no more. The registry of crane is left out: it knows
// no chunks, and nearly everything fails with it.
func TestConformance(t *testing.T) {
	t.Parallel()
	testran.Against(t, testran.Row{
		Subject: "Registries that tests use", Peer: "conformance tests of OCI",
		Version: testran.Module(t, "conformance", "github.com/opencontainers/distribution-spec/conformance"),
		Done:    "run against these registries, through the proxy that makes faults in other tests",
	})
	lacks := map[string][]string{
		"docker-registry": {
			"Artifacts with Subject", "Blobs sha256", "Blobs sha512", "Digest Algorithm sha512", "Index with Subject",
			"Invalid Manifest Digest", "Missing Subject", "Non-distributable Layers",
		},
		"distribution": {
			"Artifacts with Subject", "Blobs sha512", "Digest Algorithm sha512", "Index with Subject", "Missing Subject",
			"Non-distributable Layers",
		},
		"olareg":      {"Non-distributable Layers"},
		"ociregistry": {"Blobs sha256", "Blobs sha512", "Digest Algorithm sha512", "Invalid Manifest Digest", "Non-distributable Layers"},
	}
	t.Run("docker-registry", func(t *testing.T) {
		t.Parallel()
		program, err := Binary(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		conforms(t, testran.Program(t, program, "--version"), New(t, Options{Delete: true}), lacks["docker-registry"])
	})
	for _, other := range testservers.Registries() {
		if want, ok := lacks[other.Name]; ok {
			t.Run(other.Name, func(t *testing.T) {
				t.Parallel()
				conforms(t, testran.Module(t, other.Name, other.Module), &Registry{Addr: other.New(t)}, want)
			})
		}
	}
}

// conforms fails unless exactly the given kinds of content fail.
func conforms(t *testing.T, version string, r *Registry, lacks []string) {
	t.Helper()
	done := "OCI's conformance tests, version 1.1"
	if len(lacks) > 0 {
		done += "; it lacks: " + strings.Join(lacks, ", ")
	}
	name := t.Name()[strings.LastIndex(t.Name(), "/")+1:]
	testran.Against(t, testran.Row{Subject: "Registries that tests use", Peer: name, Version: version, Done: done})
	f := NewFaults(t, r)
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), testservers.Find(t, "conformance"))
	cmd.Dir = dir
	cmd.Env = []string{"OCI_REGISTRY=" + f.Addr, "OCI_TLS=disabled", "OCI_VERSION=1.1", "OCI_RESULTS_DIR=" + dir}
	out, _ := cmd.CombinedOutput() // it fails where anything does
	results, err := os.ReadFile(filepath.Join(dir, "results.yaml"))
	if err != nil {
		t.Fatalf("the conformance tests: %v: %s", err, out)
	}
	// The first "data:" is indented: it is part of the configuration.
	_, data, found := strings.Cut(string(results), "\ndata:\n")
	if passed := strings.Count(data, ": Pass\n"); !found || passed < 10 {
		t.Fatalf("only %d kinds of content pass: %s", passed, out)
	}
	var failed []string
	for _, m := range regexp.MustCompile(`(?m)^  (.+): FAIL$`).FindAllStringSubmatch(data, -1) {
		failed = append(failed, m[1])
	}
	if diff := cmp.Diff(lacks, failed); diff != "" {
		t.Errorf("what fails (-want +got):\n%s%s", diff, out)
	}
}
