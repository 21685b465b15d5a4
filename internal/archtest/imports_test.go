// Package archtest holds the architecture: who may import whom.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
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
	{"layers/...", "lifecycle/...", "", "a store knows nothing of engines"},
	{"layers/...", "trust/...", "", "a store is given its credentials"},
	{"layers/archive", "layers", "", "what is in a blob does not depend on where it is"},
	{"layers/blob", "layers", "", "how a blob is read does not depend on where it is"},
	{"layers/blob", "layers/archive", "", "how a blob is read does not depend on what is in it"},
	{"...", "layers/registry", "layers/kinds layers/inline internal/test/... acceptance benchmarks", "only the list of kinds knows a store"},
	{"...", "layers/inline", "layers/kinds internal/test/... acceptance", "only the list of kinds knows a store"},
	{"...", "layers/ocidir", "layers/kinds platform/outlet internal/test/... acceptance benchmarks", "only the list of kinds knows a store"},
	{"...", "layers/gha", "layers/kinds internal/test/... acceptance", "only the list of kinds knows a store"},
	{"...", "layers/s3", "layers/kinds internal/test/... acceptance benchmarks", "only the list of kinds knows a store"},
	{"...", "layers/azblob", "layers/kinds internal/test/... acceptance benchmarks", "only the list of kinds knows a store"},
	{"lifecycle/...", "layers/...", "lifecycle/phases", "an engine knows nothing of stores"},
	{"lifecycle/...", "trust/...", "lifecycle/phases", "an engine never sees a credential"},
	{"...", "trust/keychain/...", "cmd/...", "a phase has its grant, and never the user's keychain"},
	{"builder/...", "lifecycle/...", "", "what a builder is does not depend on how it is run"},
	{"...", "github.com/spf13/cobra/...", "cmd/... internal/test/samples/...", "only the command line knows cobra"},
	{"...", "github.com/spf13/pflag", "cmd/...", "only the command line knows flags"},
	{"...", "github.com/pelletier/...", "platform/config", "only the configuration is edited in place"},
	{"...", "github.com/mattn/go-isatty", "cmd/...", "only the command line knows terminals"},
	{"...", "github.com/docker/docker/...", "lifecycle/docker/...", "only the docker engine knows Docker's API"},
	{"...", "github.com/docker/cli/...", "lifecycle/docker/...", "only the docker engine knows Docker's contexts"},
	{"...", "github.com/moby/buildkit/...", "lifecycle/docker/...", "only the docker engine reads Dockerfiles"},
	{"...", "github.com/containerd/errdefs/...", "lifecycle/docker/...", "only the docker engine knows Docker's errors"},
	{"...", "github.com/containerd/stargz-snapshotter/...", "layers/blob", "only the codec of blobs knows eStargz"},
	{"...", "github.com/buildpacks/imgutil/...", "lifecycle/phases/... lifecycle/extend/...", "only phases make images as the lifecycle does"},
	{"...", "github.com/docker/docker-credential-helpers/...", "trust/keychain", "only the keychain asks credential helpers"},
	{"...", "github.com/awslabs/...", "trust/keychain", "only the keychain knows the logins of clouds"},
	{"...", "github.com/chrismellard/...", "trust/keychain", "only the keychain knows the logins of clouds"},
	{"...", "github.com/aws/...", "layers/s3/...", "only the s3 store knows AWS"},
	{"...", "github.com/Azure/...", "layers/azblob/...", "only the azblob store knows Azure"},
}

// floors are the folders from the top down. A package imports nothing that is on
// a higher floor. Packages that no floor names are on the lowest one.
var floors = []string{
	"acceptance/... benchmarks/...",
	"internal/test/...",
	"cmd/...",
	"platform/...",
	"lifecycle/... layers/... builder/... trust/...",
	"internal/...",
}

// floor returns the first floor that names a package.
func floor(pkg string) int {
	i := slices.IndexFunc(floors, func(patterns string) bool { return matchesAny(pkg, patterns) })
	if i < 0 {
		return len(floors)
	}
	return i
}

func TestFloors(t *testing.T) {
	t.Parallel()
	for pkg, imports := range packages(t) {
		for _, imported := range imports {
			if floor(imported) < floor(pkg) {
				t.Errorf("%s imports %s: imports point downwards", pkg, imported)
			}
		}
	}
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
