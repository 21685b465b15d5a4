// Command fuzz runs every fuzz target of the project, one after the other, each
// for the given time. `go test -fuzz` runs one at a time.
//
// What a target finds is kept below testdata/fuzz of its package, and is a test
// from then on.
package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

func main() {
	long := flag.Duration("time", 2*time.Second, "how long each target runs")
	only := flag.String("run", "", "regular expression for PACKAGE/TARGET")
	flag.Parse()
	failed, err := run(*long, *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
	}
	if failed || err != nil {
		os.Exit(1)
	}
}

// run runs the targets that only selects and reports whether one found anything.
func run(long time.Duration, only string) (failed bool, err error) {
	selected, err := regexp.Compile(only)
	if err != nil {
		return false, err
	}
	targets, err := find(".")
	if err != nil {
		return false, err
	}
	ran := 0
	for _, t := range targets {
		if !selected.MatchString(t.String()) {
			continue
		}
		ran++
		began := time.Now()
		cmd := exec.Command("go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzzminimizetime", "1x", "-fuzztime", long.String(), t.pkg)
		out, err := cmd.CombinedOutput()
		if err != nil && !ended(string(out)) {
			failed = true
			fmt.Printf("FAIL %s: %v\n%s\n", t, err, out)
			continue
		}
		fmt.Printf("ok   %s (%s)%s\n", t, time.Since(began).Round(time.Second), executions(string(out)))
	}
	if ran == 0 {
		return false, fmt.Errorf("none of %d targets is selected", len(targets))
	}
	return failed, nil
}

// target is a fuzz target.
type target struct{ pkg, name string }

// String is how -run names the target.
func (t target) String() string { return strings.TrimPrefix(t.pkg, "./") + "/" + t.name }

var declaration = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(\w+ \*testing\.F\) \{`)

// find lists the targets below a directory. Modules within the module are not
// part of it.
func find(root string) ([]target, error) {
	var all []target
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			_, err := os.Stat(filepath.Join(path, "go.mod"))
			if path != root && (err == nil || strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		for _, found := range declaration.FindAllSubmatch(source, -1) {
			all = append(all, target{"./" + filepath.ToSlash(filepath.Dir(path)), string(found[1])})
		}
		return err
	})
	return all, err
}

// ended reports whether a target that go test calls failed has only come to the end
// of its time: sometimes go test takes its own deadline for a failure. Every input
// that fails is written to a file.
func ended(output string) bool {
	return strings.Contains(output, "\n    context deadline exceeded\n") && !strings.Contains(output, "Failing input written")
}

var lastLine = regexp.MustCompile(`execs: (\d+)`)

// executions is how often the target was run, as go test says at last.
func executions(output string) string {
	all := lastLine.FindAllStringSubmatch(output, -1)
	if len(all) == 0 {
		return ""
	}
	return ": " + all[len(all)-1][1] + " executions"
}
