// Package archtest holds the architecture: who may import whom.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"strings"
	"testing"
)

const module = "github.com/pack-cache/pack-cache/"

// rule says that packages matching From must not import packages matching To.
// A pattern is a path below the module, or another module's whole import path;
// "/..." takes in what is below.
type rule struct {
	from, to, except, why string
}

var rules = []rule{
	{"platform", "internal/cli/...", "", "imports point downwards"},
	{"lifecycle/...", "platform", "", "imports point downwards"},
	{"layers/...", "platform", "", "imports point downwards"},
	{"builder/...", "platform", "", "imports point downwards"},
	{"trust", "platform", "", "imports point downwards"},
	{"lifecycle/...", "internal/cli/...", "", "imports point downwards"},
	{"layers/...", "internal/cli/...", "", "imports point downwards"},
	{"builder/...", "internal/cli/...", "", "imports point downwards"},
	{"trust", "internal/cli/...", "", "imports point downwards"},
	{"layers/...", "lifecycle/...", "", "a store knows nothing of engines"},
	{"layers/...", "trust", "", "a store is given its credentials"},
	{"lifecycle/...", "layers/...", "lifecycle/phases", "an engine knows nothing of stores"},
	{"lifecycle/...", "trust", "lifecycle/phases", "an engine never sees a credential"},
	{"builder/...", "lifecycle/...", "", "what a builder is does not depend on how it is run"},
	{"...", "github.com/spf13/cobra/...", "internal/cli/... cmd/... internal/samples/...", "only the command line knows cobra"},
	{"...", "github.com/docker/docker/...", "lifecycle/docker/...", "only the docker engine knows Docker's API"},
	{"...", "github.com/aws/...", "layers/s3/...", "only the s3 store knows AWS"},
	{"...", "github.com/Azure/...", "layers/azblob/...", "only the azblob store knows Azure"},
	{"...", "internal/samples/...", "internal/samples/... acceptance/... benchmarks/...", "samples are for demo, tests and benchmarks"},
	{"...", "internal/testregistry/...", "internal/testregistry/... internal/samples/... acceptance/... benchmarks/...", "test registries are for demo, tests and benchmarks"},
	{"...", "internal/testservers/...", "internal/testservers/... internal/testactions internal/testran internal/cmd/compatibility", "test servers are for tests"},
	{"...", "internal/testran/...", "internal/testran/... internal/cmd/compatibility", "what ran against what is for tests"},
	{"...", "internal/testactions/...", "internal/testactions/...", "test servers are for tests"},
	{"...", "internal/testfaults/...", "internal/testfaults/... internal/testregistry/... internal/testactions", "faults are for tests"},
	{"...", "internal/testneeds/...", "internal/testneeds/... internal/testservers/... internal/testdocker/...", "needs are for tests"},
	{"...", "internal/testweb", "internal/testservers/... internal/testactions", "connections of tests are for tests"},
	{"...", "internal/testdocker/...", "internal/testdocker/...", "test daemons are for tests"},
}

func TestImports(t *testing.T) {
	t.Parallel()
	for pkg, imports := range packages(t) {
		for _, imported := range imports {
			for _, r := range rules {
				if matches(pkg, r.from) && matches(imported, r.to) && !matchesAny(pkg, r.except) {
					t.Errorf("%s imports %s: %s", pkg, imported, r.why)
				}
			}
		}
	}
}

// packages returns the imports of every package of the module, tests left out,
// both as paths below the module where they are in it.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...")
	stdout, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	found := map[string][]string{}
	decoder := json.NewDecoder(strings.NewReader(string(stdout)))
	for {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&pkg); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		for i, imported := range pkg.Imports {
			pkg.Imports[i] = strings.TrimPrefix(imported, module)
		}
		found[strings.TrimPrefix(pkg.ImportPath, module)] = pkg.Imports
	}
}

func matchesAny(pkg, patterns string) bool {
	for pattern := range strings.FieldsSeq(patterns) {
		if matches(pkg, pattern) {
			return true
		}
	}
	return false
}

func matches(pkg, pattern string) bool {
	below, ok := strings.CutSuffix(pattern, "...")
	if !ok {
		return pkg == pattern
	}
	return below == "" || pkg == path.Clean(below) || strings.HasPrefix(pkg, below)
}
