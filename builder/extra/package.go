package extra

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

const packageFile = "package.toml"

// packageConfig is package.toml, by which `pack buildpack package` finds the
// parts of a composite buildpack.
type packageConfig struct {
	Buildpack struct {
		URI string `toml:"uri"`
	} `toml:"buildpack"`
	Dependencies []struct {
		URI   string `toml:"uri"`
		Image string `toml:"image"`
	} `toml:"dependencies"`
}

// dependencies adds the buildpacks that package.toml, if there is one, lists
// for the buildpack in a directory. Their own package.toml is not read, as in pack.
func (r *resolver) dependencies(ctx context.Context, of location) error {
	dir := of.at
	var config packageConfig
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil // an archive
	}
	defer root.Close()
	content, err := readSmall(root, packageFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		_, err = bounds.TOML(string(content), &config)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", packageFile, err)
	}
	for _, dependency := range config.Dependencies {
		src := Source{Locator: dependency.URI, Dir: filepath.Join(dir, filepath.FromSlash(config.Buildpack.URI)), Within: of.within}
		if dependency.URI == "" {
			src.Locator = "docker://" + dependency.Image
		}
		at, err := r.locate(src)
		if err == nil && at.kind == wholeBuilder {
			err = misnamed(src.Locator, "a buildpack cannot depend on the builder's order", "name a buildpack")
		}
		if err == nil {
			_, err = r.take(ctx, src.Locator, at)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", packageFile, err)
		}
	}
	return nil
}
