// Command vulnerabilities says which known vulnerabilities the program's code
// reaches. It runs govulncheck with the Go vulnerability database that
// internal/tools/go.mod pins, so it needs nothing but the module proxy, and gives
// the same answer every day until the pin is moved:
//
//	go -C internal/tools get -tool golang.org/x/vulndb/cmd/indexdb@latest
//
// Those in the standard library are said, and are no failure: what mends them is
// another Go, not a change of the project.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Where the tools are pinned, and the vulnerabilities that are no failure.
const (
	tools    = "internal/tools"
	accepted = tools + "/accepted-vulnerabilities.txt"
)

func main() {
	failed, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "vulnerabilities:", err)
	}
	if failed || err != nil {
		os.Exit(1)
	}
}

// run checks packages and reports whether something has to be done.
func run(packages []string) (failed bool, err error) {
	dir, err := os.MkdirTemp("", "vulnerabilities-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	db, version, err := database(dir)
	if err != nil {
		return false, err
	}
	fmt.Printf("database of %s\n", day(version))
	findings, err := check(dir, db, packages)
	if err != nil {
		return false, err
	}
	reasons, err := readReasons()
	if err != nil {
		return false, err
	}
	for _, id := range slices.Sorted(maps.Keys(findings)) {
		f := findings[id]
		switch reason, known := reasons[id]; {
		case f.module == "stdlib":
			fmt.Printf("%s: %s in this Go, %s; mended in %s\n", id, f.summary, f.version, f.fixed)
		case known:
			fmt.Printf("%s: accepted: %s %s\n", id, f.module, reason)
		default:
			failed = true
			fmt.Printf("%s: %s in %s %s, mended in %s; reached from %s\n", id, f.summary, f.module, f.version, f.fixed, f.from)
		}
	}
	if failed {
		fmt.Println("update the modules, or say in " + accepted + " why that need not be")
	}
	return failed, nil
}

// database makes the database that govulncheck reads, in a directory, and returns
// its URL and the version of the module that it is from.
func database(dir string) (url, version string, err error) {
	out, err := output("go", "-C", tools, "mod", "download", "-json", "golang.org/x/vulndb")
	if err != nil {
		return "", "", err
	}
	var module struct{ Dir, Version string }
	if err := json.Unmarshal(out, &module); err != nil {
		return "", "", err
	}
	db := filepath.Join(dir, "db")
	_, err = output("go", "-C", tools, "tool", "indexdb", "-vulns", filepath.Join(module.Dir, "data", "osv"), "-out", db)
	return "file://" + db, module.Version, err
}

// day is the date in a pseudo-version.
func day(version string) string {
	parts := strings.Split(version, "-")
	if len(parts) != 3 || len(parts[1]) != 14 {
		return version
	}
	return parts[1][:4] + "-" + parts[1][4:6] + "-" + parts[1][6:8]
}

// finding is a vulnerability that the code reaches.
type finding struct{ summary, module, version, fixed, from string }

// check runs govulncheck.
func check(dir, db string, packages []string) (map[string]finding, error) {
	program := filepath.Join(dir, "govulncheck")
	if _, err := output("go", "-C", tools, "build", "-o", program, "golang.org/x/vuln/cmd/govulncheck"); err != nil {
		return nil, err
	}
	out, err := output(program, append([]string{"-db", db, "-format", "json"}, packages...)...)
	if err != nil {
		return nil, err
	}
	type frame struct{ Module, Version, Package, Function string }
	type message struct {
		OSV     *struct{ ID, Summary string }
		Finding *struct {
			OSV          string
			FixedVersion string `json:"fixed_version"`
			Trace        []frame
		}
	}
	summaries, found := map[string]string{}, map[string]finding{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var m message
		if err := decoder.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if m.OSV != nil {
			summaries[m.OSV.ID] = m.OSV.Summary
		}
		f := m.Finding
		if f == nil || len(f.Trace) == 0 || f.Trace[0].Function == "" {
			continue // in a module or a package, and not called
		}
		// One that is in a module and in the standard library, too, is the module's.
		if old, ok := found[f.OSV]; ok && old.module != "stdlib" {
			continue
		}
		at, from := f.Trace[0], f.Trace[len(f.Trace)-1]
		fixed := f.FixedVersion
		if fixed == "" {
			fixed = "no version"
		}
		found[f.OSV] = finding{module: at.Module, version: at.Version, fixed: fixed, from: from.Package + "." + from.Function}
	}
	for id, f := range found {
		f.summary = summaries[id]
		found[id] = f
	}
	return found, nil
}

// readReasons reads why vulnerabilities are accepted.
func readReasons() (map[string]string, error) {
	content, err := os.ReadFile(accepted)
	if err != nil {
		return nil, err
	}
	reasons := map[string]string{}
	for line := range strings.Lines(string(content)) {
		if id, reason, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !strings.HasPrefix(id, "#") {
			reasons[id] = reason
		}
	}
	return reasons, nil
}

// output runs a command and returns what it writes.
func output(name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, problem.String())
	}
	return out, nil
}
