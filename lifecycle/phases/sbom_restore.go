package phases

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/buildpacks/lifecycle/buildpack"
	"github.com/buildpacks/lifecycle/launch"

	"github.com/pack-cache/pack-cache/internal/removal"
)

// restoreSBOMs puts the SBOMs of the cache and of the previous image beside the
// layers that they are of, as the lifecycle does (CNB Platform specification,
// "restorer"): those of the image win, and a buildpack of which nothing else has come
// back gets none. Where they lie until then no buildpack can reach.
func (j *job) restoreSBOMs(group buildpack.Group, cache *cacheReader) error {
	if !j.api.AtLeast("0.8") {
		return nil
	}
	dir := filepath.Join(j.Paths.State, sbomsDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	sboms, err := openPlain(dir)
	if err != nil {
		return err
	}
	defer sboms.close()
	// A restore that has died may have left some. Those of the image stay for another.
	if err := removal.Tree(sboms.root, cacheSBOM); err != nil {
		return err
	}
	cache.restoreSBOM(dir)
	to, err := os.OpenRoot(j.Paths.Layers)
	if err != nil {
		return err
	}
	defer to.Close()
	for _, kind := range []string{cacheSBOM, launchSBOM} {
		if err := restoreKind(to, sboms, kind, group); err != nil {
			return fmt.Errorf("restore SBOMs: %w", err)
		}
	}
	return nil
}

// restoreKind puts the SBOMs of one kind in their place. Who is not in the group, and
// what is no regular file, is left out: all of this was in an archive of others.
func restoreKind(to *os.Root, sboms plainDir, kind string, group buildpack.Group) error {
	of := func(dir plainDir, names ...string) (plainDir, bool) {
		for i, name := range names {
			sub, err := dir.sub(name, "")
			if i > 0 {
				dir.close()
			}
			if err != nil {
				return sub, false
			}
			dir = sub
		}
		return dir, true
	}
	for _, bp := range group.Group {
		id := launch.EscapeID(bp.ID)
		if info, err := to.Lstat(id); err != nil || !info.IsDir() {
			continue
		}
		dir, ok := of(sboms, path.Dir(kind), path.Base(kind), id)
		if !ok {
			continue
		}
		err := dir.each(func(layer string, info fs.FileInfo) error {
			sub, err := dir.sub(layer, bp.ID)
			if err != nil {
				return nil
			}
			defer sub.close()
			return sub.each(func(file string, info fs.FileInfo) error {
				name, ok := parseSBOMName(path.Join(id, layer, file))
				if !ok || !info.Mode().IsRegular() {
					return nil
				}
				from, err := sub.root.Open(file)
				if err != nil {
					return err
				}
				defer from.Close()
				return writeNew(to, name.beside(), from)
			})
		})
		dir.close()
		if err != nil {
			return err
		}
	}
	return nil
}
