package phases

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/pack-cache/pack-cache/internal/posix"
)

// Own phases use the lifecycle's packages, and those go by path in the layers
// directory, where buildpacks can have left anything: a symbolic link, a file with a
// second name, a pipe that nobody writes to. So before any of that code runs, what
// it will open is looked at by directory descriptors, without following anything.
// Nothing of detect or build lives any more at that time (lifecycle.Place.Run), so
// what was looked at stays as it is.
//
// These are the paths of lifecycle v0.21.17. Whoever takes a newer lifecycle goes
// through them again. Everything in <layers> is looked at by leftByDetect (restore)
// or leftByBuild (export) unless the table says otherwise.
//
//	restore  files.Handler.ReadGroup               reads   group.toml
//	         files.Handler.WriteAnalyzed           writes  analyzed.toml (removed before)
//	         layer.DefaultMetadataRestorer         writes  <bp>/store.toml, <bp>/<layer>.toml
//	         buildpack.ReadLayersDir               lists   <bp>; reads <bp>/store.toml
//	         buildpack.Layer.Remove                removes <bp>/<layer>, .sha, .toml
//	         layers.Extract                        is given an empty archive (cacheReader)
//	         layer.DefaultSBOMRestorer             finds no sbom; restoreSBOMs is ours
//	analyze  layer.DefaultSBOMRestorer             is not used; keepPreviousSBOM is ours
//	export   files.Handler.ReadGroup               reads   group.toml
//	         files.Handler.ReadBuildMetadata       reads   config/metadata.toml
//	         Exporter.copyBuildpacksioSBOMs        writes  sbom/{build,launch}/buildpacksio_lifecycle (removed before)
//	         buildpack.ReadLayersDir               lists   <bp>; reads <bp>/store.toml
//	         buildpack.Layer.Read                  reads   <bp>/<layer>.toml, <bp>/<layer>.sha
//	         buildpack.Layer.HasLocalContents      lists   <bp>/<layer>
//	         Factory.DirLayer                      archives <bp>/<layer>, sbom/launch, config (lstat, then open)
//	         Exporter.makeBuildReport              reads   <bp>/build.toml
//	         Factory.SliceLayers                   archives the application (lstat, then open)
//	         Factory.LauncherLayer, SBOMs, run.toml: the builder's, see checkBuilderFiles
//
// What is inside a layer and in the application may be a link: it is archived as
// one. The files of generated/ are read by package platform through Place.Export.

// plainDir is an open directory in which nothing is followed.
type plainDir struct {
	root *os.Root
	// path and buildpack are for messages; buildpack is "" if it is not known.
	path, buildpack string
}

// openPlain opens the directory at a path whose parents buildpacks cannot write.
func openPlain(dir string) (plainDir, error) {
	info, err := os.Lstat(dir)
	if err != nil {
		return plainDir{}, err
	}
	if !info.IsDir() {
		return plainDir{}, &leftError{path: dir, what: kindOf(info)}
	}
	root, err := os.OpenRoot(dir)
	return plainDir{root: root, path: dir}, err
}

func (d plainDir) close() { d.root.Close() }

// sub opens a directory in d. The error wraps fs.ErrNotExist if it is not there; what
// is not a directory is a *leftError.
func (d plainDir) sub(name, buildpack string) (plainDir, error) {
	s := plainDir{path: path.Join(d.path, name), buildpack: buildpack}
	info, err := d.root.Lstat(name)
	if err != nil {
		return s, err
	}
	if !info.IsDir() {
		return s, s.left(info)
	}
	if s.root, err = d.root.OpenRoot(name); err != nil {
		return s, err
	}
	opened, err := s.root.Stat(".")
	if err == nil && !os.SameFile(info, opened) {
		err = errors.New("it is being changed")
	}
	if err != nil {
		s.close()
		return s, fmt.Errorf("%s: %w", s.path, err)
	}
	return s, nil
}

// maxEntries is how much a buildpack may leave beside its layers, and how many files
// SBOMs may be in.
const maxEntries = 100_000

// each calls visit for everything in the directory.
func (d plainDir) each(visit func(name string, info fs.FileInfo) error) error {
	open, err := d.root.Open(".")
	if err != nil {
		return fmt.Errorf("%s: %w", d.path, err)
	}
	defer open.Close()
	for count := 0; ; {
		entries, err := open.ReadDir(1000)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", d.path, err)
		}
		if count += len(entries); count > maxEntries {
			return &leftError{path: d.path, buildpack: d.buildpack, what: "more files than can be read"}
		}
		for _, entry := range entries {
			info, err := d.root.Lstat(entry.Name())
			if err != nil {
				return fmt.Errorf("%s: %w", d.path, err)
			}
			if err := visit(entry.Name(), info); err != nil {
				return err
			}
		}
	}
}

// plain refuses what is not a regular file of one name.
func (d plainDir) plain(name string, info fs.FileInfo) error {
	at := plainDir{path: path.Join(d.path, name), buildpack: d.buildpack}
	switch {
	case !info.Mode().IsRegular():
		return at.left(info)
	case posix.Names(info) > 1:
		return &leftError{path: at.path, buildpack: d.buildpack, what: "a file with several names (hard links)"}
	}
	return nil
}

func (d plainDir) left(info fs.FileInfo) error {
	return &leftError{path: d.path, buildpack: d.buildpack, what: kindOf(info)}
}

// kindOf is what people call what is not expected.
func kindOf(info fs.FileInfo) string {
	switch info.Mode().Type() {
	case 0:
		return "a file"
	case fs.ModeDir:
		return "a directory"
	case fs.ModeSymlink:
		return "a symbolic link"
	case fs.ModeNamedPipe:
		return "a named pipe"
	case fs.ModeSocket:
		return "a socket"
	}
	return "a device"
}

// leftError says that a buildpack has left something where own phases read and write.
type leftError struct {
	path, buildpack, what string
	// why may say more.
	why error
}

// Error implements error.
func (e *leftError) Error() string {
	who := "a buildpack"
	if e.buildpack != "" {
		who = "buildpack " + e.buildpack
	}
	said := fmt.Sprintf("%s has left %s as %s", who, e.what, e.path)
	if e.why != nil {
		said += ": " + e.why.Error()
	}
	return said
}

// Unwrap returns why.
func (e *leftError) Unwrap() error { return e.why }

// Hint tells the way out.
func (e *leftError) Hint() string {
	return "buildpacks may leave only plain files and directories there (CNB Buildpack specification); take another version of the buildpack, or another builder"
}
