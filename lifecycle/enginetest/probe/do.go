package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

// doAll does what its arguments say, one after the other, whatever becomes of
// each. An argument is a verb, a colon and a path, and for some verbs an equals
// sign and a text.
func doAll(args []string) []report.Step {
	verbs := map[string]func(path, text string) (string, error){
		"read":  func(path, _ string) (string, error) { b, err := os.ReadFile(path); return string(b), err },
		"write": func(path, text string) (string, error) { return "", os.WriteFile(path, []byte(text), 0o644) },
		"append": func(path, text string) (string, error) {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				return "", err
			}
			defer f.Close()
			_, err = f.WriteString(text)
			return "", err
		},
		"mkdir":    func(path, _ string) (string, error) { return "", os.MkdirAll(path, 0o755) },
		"link":     func(path, text string) (string, error) { return "", os.Symlink(text, path) },
		"fifo":     func(path, _ string) (string, error) { return "", syscall.Mkfifo(path, 0o644) },
		"chmod":    func(path, text string) (string, error) { return "", chmod(path, text) },
		"rename":   func(path, text string) (string, error) { return "", os.Rename(path, text) },
		"remove":   func(path, _ string) (string, error) { return "", os.RemoveAll(path) },
		"list":     func(path, _ string) (string, error) { return list(path) },
		"stat":     func(path, _ string) (string, error) { return describe(path) },
		"await":    func(path, _ string) (string, error) { return "", await(path) },
		"terminal": func(_, text string) (string, error) { return terminal(text) },
	}
	var steps []report.Step
	for _, arg := range args {
		verb, rest, _ := strings.Cut(arg, ":")
		path, text, _ := strings.Cut(rest, "=")
		do, known := verbs[verb]
		if !known {
			fail("unknown step " + arg)
		}
		var step report.Step
		var err error
		if step.Out, err = do(path, text); err != nil {
			step.Err = err.Error()
		}
		steps = append(steps, step)
	}
	return steps
}

// await returns when there is something at path.
func await(path string) error {
	for {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func chmod(path, text string) error {
	var mode uint32
	if _, err := fmt.Sscanf(text, "%o", &mode); err != nil {
		return err
	}
	return os.Chmod(path, fs.FileMode(mode))
}

// list names the entries of a directory, sorted, with spaces between them.
func list(path string) (string, error) {
	entries, err := os.ReadDir(path)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	slices.Sort(names)
	return strings.Join(names, " "), err
}

// describe says kind and mode, owner and real path.
func describe(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	owner := info.Sys().(*syscall.Stat_t)
	real, err := filepath.EvalSymlinks(path)
	return fmt.Sprintf("%v %d:%d %s", info.Mode(), owner.Uid, owner.Gid, real), err
}
