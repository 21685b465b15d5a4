package testran

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// function is the beginning of a test.
var function = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// Exists reports whether the test of a row is in the source below root.
func Exists(root string, row Row) bool {
	for test := range tests(root, row.Directory()) {
		if test == row.TestFunction() {
			return true
		}
	}
	return false
}

// Tests lists, as DIRECTORY.TEST, the tests below root in files that use this
// package: those that rows come from, and maybe others.
func Tests(root string) ([]string, error) {
	var all []string
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		dir, err := filepath.Rel(root, path)
		for test, file := range tests(root, filepath.ToSlash(dir)) {
			if strings.Contains(file, "testran.Against(") {
				all = append(all, test)
			}
		}
		return err
	})
	return all, err
}

// tests are the tests of a directory, as DIRECTORY.TEST, each with the text of its
// file.
func tests(root, dir string) map[string]string {
	files, _ := filepath.Glob(filepath.Join(root, dir, "*_test.go"))
	found := map[string]string{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue // removed meanwhile
		}
		for _, m := range function.FindAllSubmatch(raw, -1) {
			found[dir+"."+string(m[1])] = string(raw)
		}
	}
	return found
}
