package phases

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// checkDocuments holds the TOML files that buildpacks have written against the
// bounds: /layers/*.toml and those of each buildpack. The lifecycle reads them with
// as much memory as they want. Links are not followed, and what is no file is
// somebody else's business.
func checkDocuments(layersDir string) error {
	root, err := os.OpenRoot(layersDir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, pattern := range []string{"*.toml", "*/*.toml"} {
		names, err := fs.Glob(root.FS(), pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := checkDocument(root, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkDocument(root *os.Root, name string) error {
	info, err := root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil // the lifecycle finds out
	}
	file, err := root.Open(name)
	if err != nil {
		return nil
	}
	defer file.Close()
	content, err := bounds.Read(file)
	if err == nil {
		err = bounds.CheckTOML(string(content))
	}
	if !errors.Is(err, bounds.ErrExceeded) {
		return nil
	}
	who := "the buildpacks"
	if dir := path.Dir(name); dir != "." {
		who = "buildpack " + strings.ReplaceAll(dir, "_", "/")
	}
	return fmt.Errorf("file %s that %s wrote to the layers directory: %w", name, who, err)
}
