package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/pack-cache/pack-cache/internal/test/samples"
)

// sample is an application, its builder and how a developer changes it.
type sample struct {
	name, dir string
	builder   func(context.Context, samples.Options) (*samples.Builder, error)
	// source and dependency each name a file and the text in it that a change
	// replaces; change gets the number of the change.
	source, dependency edit
}

type edit struct {
	file, old string
	change    func(n int) string
}

// known are all samples.
func known() []sample {
	const apps = "internal/test/samples/apps"
	return []sample{{
		name: "go", dir: apps + "/go-inventory", builder: samples.Go,
		source:     edit{"main.go", `usage: inventory`, func(n int) string { return fmt.Sprintf("usage (%d): inventory", n) }},
		dependency: edit{"go.mod", "BurntSushi/toml v1.4.0", func(n int) string { return fmt.Sprintf("BurntSushi/toml v1.%d.0", 4+n%2) }},
	}, {
		name: "java", dir: apps + "/java-maven", builder: samples.Java,
		source:     edit{"src/main/java/com/example/tour/Main.java", "tour 1.0.0", func(n int) string { return fmt.Sprintf("tour 1.0.%d", n) }},
		dependency: edit{"pom.xml", "<version>2.11.0</version>", func(n int) string { return []string{"<version>2.11.0</version>", "<version>2.10.1</version>"}[n%2] }},
	}, {
		name: "npm", dir: apps + "/npm-shop", builder: samples.Npm,
		source:     edit{"main.js", `"shop"`, func(n int) string { return fmt.Sprintf(`"shop %d"`, n) }},
		dependency: edit{"package.lock", "package500 1.7.0 30", func(n int) string { return fmt.Sprintf("package500 2.%d.0 30", n) }},
	}}
}

// copyTo makes the application in dir, changed for the nth time if there are
// edits.
func (s sample) copyTo(dir string, n int, edits ...edit) error {
	if err := os.CopyFS(dir, os.DirFS(s.dir)); err != nil {
		return err
	}
	for _, e := range edits {
		path := filepath.Join(dir, e.file)
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !strings.Contains(string(content), e.old) {
			return fmt.Errorf("%s has no %q to change", path, e.old)
		}
		changed := strings.Replace(string(content), e.old, e.change(n), 1)
		if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// environment is what buildpacks need to know of this network: where modules
// and artifacts come from.
func environment(ctx context.Context) ([]string, error) {
	var env []string
	for _, key := range []string{"GOPROXY", "GONOSUMDB", "GONOPROXY", "GOSUMDB", "GOFLAGS"} {
		out, err := exec.CommandContext(ctx, "go", "env", key).Output()
		if err != nil {
			return nil, fmt.Errorf("go env %s: %w", key, err)
		}
		if value := strings.TrimSpace(string(out)); value != "" && key != "GOFLAGS" {
			env = append(env, key+"="+value)
		}
	}
	return env, nil
}
