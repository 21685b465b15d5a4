// Package takeoverimage makes the image of pack-cache's own that the engine
// takeover works in: the program, certificates of authorities, and top
// directories that whoever runs it may fill.
//
// What this package is not for: filling them (package inplace).
package takeoverimage

import (
	"archive/tar"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/internal/tarfile"
)

// Paths in the image.
const (
	// Dir is the directory that no builder's files go to.
	Dir = "/.pack-cache"
	// Mark tells that a container is one of the image.
	Mark = Dir + "/takeover"
	// WorkDir is where the engine works.
	WorkDir = Dir + "/work"
	// Program is pack-cache.
	Program = Dir + "/bin/pack-cache"
	// Certificates are those of the authorities that pack-cache believes; a
	// builder brings its own for what it runs.
	Certificates = Dir + "/ca-certificates.crt"
)

// User is whom the image runs as unless told otherwise. Any other user will do.
const User = "1001:1001"

// Content is what the image is made of.
type Content struct {
	// Program is pack-cache as a statically linked executable for Linux.
	Program []byte
	// Certificates are PEM blocks.
	Certificates []byte
	// Version is that of the program.
	Version string
	// Architecture is that of the program, as Go names it.
	Architecture string
}

// filled are the top directories of builders. They have to be there before a
// builder's files come: nobody but root can make others, and a container engine
// would make some for itself alone, to mount something in them.
var filled = []string{
	"boot", "cnb", "dev", "etc", "heroku", "home", "layers", "media", "mnt", "nix", "opt", "platform", "proc", "root", "run", "srv",
	"sys", "usr", "usr/bin", "usr/lib", "usr/lib32", "usr/lib64", "usr/libx32", "usr/sbin", "var", "workspace",
}

// merged are links to directories below /usr, as builders have them; one that
// has directories there gets all into the same.
var merged = []string{"bin", "lib", "lib32", "lib64", "libx32", "sbin"}

// New makes the image, always the same for the same content.
func New(c Content) (v1.Image, error) {
	// A container may be started as any user, so any may write: nothing but
	// pack-cache runs before a builder is there, and then Landlock decides.
	const open = 0o777
	files := []tar.Header{{Typeflag: tar.TypeDir, Name: "./", Mode: open}}
	dirs := append([]string{relative(Dir) + "/", relative(Dir) + "/bin/"}, filled...)
	for _, dir := range dirs {
		mode := int64(open)
		if strings.HasPrefix(dir, ".") {
			mode = 0o755
		}
		files = append(files, tar.Header{Typeflag: tar.TypeDir, Name: strings.TrimSuffix(dir, "/") + "/", Mode: mode})
	}
	files = append(files,
		tar.Header{Typeflag: tar.TypeDir, Name: relative(WorkDir) + "/", Mode: open},
		tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "var/run", Linkname: "/run", Mode: 0o777},
	)
	for _, name := range merged {
		files = append(files, tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: "usr/" + name, Mode: 0o777})
	}
	base, err := layerOf(files, nil)
	if err != nil {
		return nil, err
	}
	content := map[string][]byte{
		relative(Program): c.Program, relative(Certificates): c.Certificates, relative(Mark): []byte(c.Version + "\n"),
	}
	program, err := layerOf([]tar.Header{
		{Typeflag: tar.TypeReg, Name: relative(Program), Mode: 0o755},
		{Typeflag: tar.TypeReg, Name: relative(Certificates), Mode: 0o644},
		{Typeflag: tar.TypeReg, Name: relative(Mark), Mode: 0o644},
	}, content)
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	created := v1.Time{Time: time.Unix(315532801, 0).UTC()} // the time of app images
	img, err = mutate.ConfigFile(img, &v1.ConfigFile{
		OS: "linux", Architecture: c.Architecture, Created: created, RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User:       User,
			Env:        []string{"PATH=" + Dir + "/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "SSL_CERT_FILE=" + Certificates, "HOME=" + WorkDir},
			Entrypoint: []string{Program},
			WorkingDir: WorkDir,
			Labels:     map[string]string{"org.opencontainers.image.title": "pack-cache takeover", "org.opencontainers.image.version": c.Version},
		},
	})
	if err != nil {
		return nil, err
	}
	history := v1.History{Created: created, CreatedBy: "pack-cache"}
	return mutate.Append(img,
		mutate.Addendum{Layer: base, History: history, MediaType: types.OCIUncompressedLayer},
		mutate.Addendum{Layer: program, History: history, MediaType: types.OCIUncompressedLayer})
}

// relative is how a path is written in an archive of a root.
func relative(path string) string { return strings.TrimPrefix(path, "/") }

// layerOf makes a layer of files that belong to the image's user.
func layerOf(files []tar.Header, content map[string][]byte) (v1.Layer, error) {
	var uid, gid int
	if _, err := fmt.Sscanf(User, "%d:%d", &uid, &gid); err != nil {
		return nil, err
	}
	files = slices.Clone(files)
	for i := range files {
		files[i].Uid, files[i].Gid, files[i].ModTime = uid, gid, time.Unix(315532801, 0)
	}
	return tarfile.Layer(types.OCIUncompressedLayer, files, content)
}
