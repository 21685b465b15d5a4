package phases

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/pack-cache/pack-cache/lifecycle"
)

// checkBuilderFiles fails if a file of the builder that export reads is not a
// regular file below /cnb. A link could lead to something of the phase's own,
// and export would publish it in the app image.
func checkBuilderFiles(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	names := []string{"run.toml", "stack.toml", "lifecycle/launcher"}
	entries, err := fs.ReadDir(root.FS(), "lifecycle")
	if err != nil {
		return fmt.Errorf("the builder's lifecycle: %w", err)
	}
	for _, entry := range entries {
		if strings.Contains(entry.Name(), ".sbom.") {
			names = append(names, path.Join("lifecycle", entry.Name()))
		}
	}
	for _, name := range names {
		info, err := root.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			// Whoever needs it says so.
		case err != nil:
			return fmt.Errorf("the builder's file %s: %w", path.Join(lifecycle.CNBDir, name), err)
		case !info.Mode().IsRegular():
			return fmt.Errorf("the builder's file %s is not a regular file", path.Join(lifecycle.CNBDir, name))
		}
	}
	return nil
}
