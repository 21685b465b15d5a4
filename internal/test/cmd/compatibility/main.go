// Command compatibility runs the tests that say what they run against, all of
// them or those that are named as DIRECTORY.TEST, and writes their rows into
// docs/compatibility.md.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pack-cache/pack-cache/internal/test/testran"
	"github.com/pack-cache/pack-cache/internal/test/testservers"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(tests []string) error {
	root, err := testservers.ModuleRoot()
	if err != nil {
		return err
	}
	all := len(tests) == 0
	if all {
		if tests, err = testran.Tests(root); err != nil {
			return err
		}
	}
	work, err := os.MkdirTemp("", "pack-cache-compatibility-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	file := filepath.Join(work, "ran")
	byDirectory := map[string][]string{}
	for _, test := range tests {
		row := testran.Row{Test: test}
		_, function, _ := strings.Cut(row.TestFunction(), ".")
		byDirectory[row.Directory()] = append(byDirectory[row.Directory()], function)
	}
	for dir, functions := range byDirectory {
		slices.Sort(functions)
		cmd := exec.Command("go", "test", "-count=1", "-timeout", "60m", "-run", "^("+strings.Join(functions, "|")+")$", "./"+dir)
		cmd.Dir, cmd.Stdout, cmd.Stderr = root, os.Stderr, os.Stderr
		cmd.Env = append(os.Environ(), testran.Variable+"="+file)
		fmt.Fprintln(os.Stderr, cmd)
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", cmd, err)
		}
	}
	ran, err := read(file)
	if err != nil {
		return err
	}
	page, err := testran.Read()
	if err != nil {
		return err
	}
	if all {
		page.Rows = slices.DeleteFunc(page.Rows, func(r testran.Row) bool { return r.By == "" })
	}
	page.Rows = testran.Merge(page.Rows, ran, func(r testran.Row) bool { return testran.Exists(root, r) })
	return page.Write()
}

// read reads the rows that tests have appended to a file.
func read(path string) (rows []testran.Row, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errors.New("no test said what it ran against")
	}
	for decoder := json.NewDecoder(bytes.NewReader(raw)); err == nil; {
		var row testran.Row
		if err = decoder.Decode(&row); err == nil {
			rows = append(rows, row)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return rows, err
}
