package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// mvn gets a library into the repository, if it is not there, and packs the
// source into a jar.
func mvn() error {
	library := filepath.Join(os.Getenv("HOME"), ".m2", "repository", "lib", "1.0", "lib-1.0.jar")
	if _, err := os.Stat(library); errors.Is(err, fs.ErrNotExist) {
		fmt.Println("mvn: downloading lib 1.0")
		if err := errors.Join(os.MkdirAll(filepath.Dir(library), 0o755), pack(library, "a library", "Lib.class")); err != nil {
			return err
		}
	}
	source, err := os.ReadFile("src/Main.java")
	if err != nil {
		return err
	}
	fmt.Println("mvn: packing Main.class")
	return errors.Join(os.MkdirAll("target", 0o755), pack("target/app-1.0.jar", "compiled: "+string(source), "Main.class"))
}

// pack writes a jar with one file.
func pack(path, content, name string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	archive := zip.NewWriter(file)
	entry, err := archive.Create(name)
	if err != nil {
		return err
	}
	_, err = entry.Write([]byte(content))
	return errors.Join(err, archive.Close(), file.Close())
}

// syft writes empty SBOMs: syft scan -q -o FORMAT=FILE … dir:DIR.
func syft() error {
	for i, arg := range os.Args {
		format, path, found := strings.Cut(arg, "=")
		if !found || os.Args[i-1] != "-o" {
			continue
		}
		if err := os.WriteFile(path, []byte(fmt.Sprintf(`{"artifacts":[],"of":%q}`, format)), 0o644); err != nil {
			return err
		}
	}
	return nil
}
