package testran

import (
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/internal/test/testservers"
)

// Module returns the version of a Go module in a tool of testservers, as
// `MODULE@VERSION`: what the program itself says that it was made of.
func Module(t testing.TB, tool, module string) string {
	t.Helper()
	info, err := buildinfo.ReadFile(testservers.Find(t, tool))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == module {
			return "`" + m.Path + "@" + m.Version + "`"
		}
	}
	t.Fatalf("%s has no module %s", tool, module)
	return ""
}

// npm marks versions of packages of npm.
const npm = " (npm)"

// Package returns the version of a package of npm that is installed for a tool of
// testservers, as the package says it.
func Package(t testing.TB, tool, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(testservers.Find(t, tool), "node_modules", name, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var said struct{ Version string }
	if err := json.Unmarshal(raw, &said); err != nil || said.Version == "" {
		t.Fatalf("%s does not say its version: %v", name, err)
	}
	return said.Version + npm
}

// Dependency returns the version of a Go module that the test itself uses as a
// library, as `MODULE@VERSION`. Programs of go test do not know it, so go does.
func Dependency(t testing.TB, module string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", module).CombinedOutput()
	path, version, found := strings.Cut(strings.TrimSpace(string(out)), " ")
	if err != nil || !found {
		t.Fatalf("the version of %s: %v: %s", module, err, out)
	}
	return "`" + path + "@" + version + "`"
}

// number is a version number in what a program says of itself.
var number = regexp.MustCompile(`\d+(\.\d+)+`)

// Program returns the version of a program, which is the first version number
// that it prints with the given arguments, and the machine's Debian.
func Program(t testing.TB, program string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", program, err, out)
	}
	version := number.FindString(string(out))
	if version == "" {
		t.Fatalf("%s says no version: %s", program, out)
	}
	return version + system()
}

// system is " (Debian N)" on Debian.
func system() string {
	raw, _ := os.ReadFile("/etc/debian_version")
	if version := regexp.MustCompile(`^\d+`).Find(raw); version != nil {
		return " (Debian " + string(version) + ")"
	}
	return ""
}
