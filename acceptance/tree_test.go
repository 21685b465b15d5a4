package acceptance

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// tree is what is in the archive of a layer, by path. The directories above the
// layer are left out.
type tree map[string]treeEntry

// treeEntry is an entry of an archive without its times.
type treeEntry struct {
	Type     byte
	Mode     int64
	UID, GID int
	Link     string
	Content  string // its sha256
}

// cacheTrees reads the layers of a cache image, by their name such as
// "acme/flags:c".
func (r *registry) cacheTrees(t *testing.T, cache cacheImage) map[string]tree {
	t.Helper()
	trees := map[string]tree{}
	for _, bp := range cache.metadata.Buildpacks {
		for name, layer := range bp.Layers {
			dir := "/layers/" + strings.ReplaceAll(bp.ID, "/", "_") + "/" + name
			trees[bp.ID+":"+name] = treeOf(t, cache.image, layer.SHA, dir)
		}
	}
	if sbom := cache.metadata.BOM.SHA; sbom != "" {
		trees["sbom"] = treeOf(t, cache.image, sbom, "/layers/sbom/cache")
	}
	return trees
}

// treeOf reads a layer of an image, which has to be complete below dir.
func treeOf(t *testing.T, img v1.Image, diffID, dir string) tree {
	t.Helper()
	hash, err := v1.NewHash(diffID)
	if err != nil {
		t.Fatal(err)
	}
	layer, err := img.LayerByDiffID(hash)
	if err != nil {
		t.Fatalf("layer %s: %v", dir, err)
	}
	content, err := layer.Uncompressed()
	if err != nil {
		t.Fatalf("layer %s: %v", dir, err)
	}
	defer content.Close()
	found := tree{}
	for reader := tar.NewReader(content); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			if len(found) == 0 {
				t.Errorf("layer %s has nothing in it", dir)
			}
			return found
		}
		if err != nil {
			t.Fatalf("layer %s: %v", dir, err)
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, reader); err != nil {
			t.Fatalf("layer %s: %v", dir, err)
		}
		path := strings.TrimSuffix(header.Name, "/")
		switch {
		case path == dir || strings.HasPrefix(path, dir+"/"):
			found[path] = treeEntry{header.Typeflag, header.Mode, header.Uid, header.Gid, header.Linkname, hex.EncodeToString(sum.Sum(nil))}
		case !strings.HasPrefix(dir, path+"/"):
			t.Errorf("layer %s has the entry %s", dir, header.Name)
		}
	}
}
