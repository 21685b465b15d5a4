package extra

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/internal/bounds"
	"github.com/pack-cache/pack-cache/internal/hint"
)

// source gives the files of a buildpack, one after the other, by names relative
// to the buildpack's directory.
type source func(visit func(header *tar.Header, content io.Reader) error) error

// modTime is that of everything that is laid over a builder, as in pack: the
// same buildpack gives the same layer.
var modTime = time.Date(1980, time.January, 1, 0, 0, 1, 0, time.UTC)

// tree writes the files of a buildpack into an archive below the place that the
// specification gives it (CNB Distribution specification, "Buildpackage"), and
// refuses what does not belong into a buildpack or leads out of it.
type tree struct {
	archive *tar.Writer
	root    string
	seen    map[string]byte // type of entry by name
	left    int64           // how many bytes its files may yet have
}

// writeTree writes a buildpack, whose files have at most limit bytes, as the
// archive of a layer.
func writeTree(to io.Writer, d *descriptor, files source, limit int64) error {
	t := &tree{archive: tar.NewWriter(to), seen: map[string]byte{}, left: limit}
	for _, part := range []string{path.Join(d.of.dir, escape(d.Buildpack.ID)), d.Buildpack.Version} {
		t.root = path.Join(t.root, part)
		if err := t.header("", &tar.Header{Typeflag: tar.TypeDir, Mode: 0o755}); err != nil {
			return err
		}
	}
	if err := files(t.add); err != nil {
		return err
	}
	if kind, ok := t.seen[d.of.program]; d.of.program != "" && !d.composite() {
		switch {
		case !ok:
			return fmt.Errorf("it has no %s, and no order as a composite buildpack has", d.of.program)
		case kind == tar.TypeDir:
			return fmt.Errorf("its %s is a directory", d.of.program)
		}
	}
	return t.archive.Close()
}

// add writes one entry.
func (t *tree) add(header *tar.Header, content io.Reader) error {
	name := path.Clean(header.Name)
	if header.Typeflag == tar.TypeXGlobalHeader || name == "." && header.Typeflag == tar.TypeDir {
		return nil
	}
	if err := t.addEntry(name, header, content); err != nil {
		return fmt.Errorf("%q: %w", header.Name, err)
	}
	return nil
}

func (t *tree) addEntry(name string, header *tar.Header, content io.Reader) error {
	if err := checkPath(name); err != nil {
		return err
	}
	if len(t.seen) > bounds.MaxEntries {
		return errors.New("the buildpack has too many files")
	}
	if err := t.parents(path.Dir(name)); err != nil {
		return err
	}
	if old, ok := t.seen[name]; ok {
		if old == tar.TypeDir && header.Typeflag == tar.TypeDir {
			return nil
		}
		return errors.New("it is there twice")
	}
	switch header.Typeflag {
	case tar.TypeDir:
		return t.entry(name, &tar.Header{Typeflag: tar.TypeDir, Mode: 0o755})
	case tar.TypeSymlink:
		if target := header.Linkname; target == "" || path.IsAbs(target) || leaves(path.Join(path.Dir(name), target)) {
			return fmt.Errorf("the link leads out of the buildpack, to %q", target)
		}
		return t.entry(name, &tar.Header{Typeflag: tar.TypeSymlink, Linkname: header.Linkname, Mode: 0o777})
	case tar.TypeLink:
		target := path.Clean(header.Linkname)
		if t.seen[target] != tar.TypeReg {
			return fmt.Errorf("it is a hard link to %q, which is not an earlier file of the buildpack", header.Linkname)
		}
		t.seen[name] = tar.TypeReg
		return t.header(name, &tar.Header{Typeflag: tar.TypeLink, Linkname: path.Join(t.root, target), Mode: 0o644})
	case tar.TypeReg, tar.TypeGNUSparse:
		return t.file(name, header, content)
	}
	return errors.New("it is neither a file nor a directory nor a link")
}

// file writes a regular file. Who may read it does not depend on the umask of
// whoever made it: the owner is root, and the build user has to.
func (t *tree) file(name string, header *tar.Header, content io.Reader) error {
	if t.left -= header.Size; t.left < 0 {
		return errors.New("the buildpack is too large with it")
	}
	mode := int64(0o644)
	if header.Mode&0o111 != 0 || path.Dir(name) == "bin" {
		mode = 0o755
	}
	if err := t.entry(name, &tar.Header{Typeflag: tar.TypeReg, Mode: mode, Size: header.Size}); err != nil {
		return err
	}
	if slices.Contains(started, name) {
		start := bufio.NewReader(content)
		if err := checkScript(start); err != nil {
			return err
		}
		content = start
	}
	_, err := io.Copy(t.archive, content)
	return err
}

// started are the programs that the lifecycle starts.
var started = []string{"bin/detect", "bin/build", "bin/generate"}

// ConvertLines is the way out for a script with Windows line ends.
const ConvertLines = "convert it, as with `sed -i 's/\\r$//' FILE`, and keep git from changing it back with `* text eol=lf` in .gitattributes"

// checkScript refuses a script that the kernel could not start: with Windows line
// ends, its interpreter is one whose name ends in a carriage return.
func checkScript(content *bufio.Reader) error {
	const longest = 256 // is what Linux reads of it
	start, err := content.Peek(longest)
	if err != nil && err != io.EOF {
		return err
	}
	line, _, _ := bytes.Cut(start, []byte("\n"))
	if bytes.HasPrefix(line, []byte("#!")) && bytes.HasSuffix(line, []byte("\r")) {
		return hint.Errorf(ConvertLines, "the script has Windows line ends (CRLF), with which it cannot be started")
	}
	return nil
}

// parents writes the directories above an entry that were not written yet.
func (t *tree) parents(dir string) error {
	if dir == "." || t.seen[dir] == tar.TypeDir {
		return nil
	}
	if _, ok := t.seen[dir]; ok {
		return fmt.Errorf("%q is not a directory", dir)
	}
	if err := t.parents(path.Dir(dir)); err != nil {
		return err
	}
	return t.entry(dir, &tar.Header{Typeflag: tar.TypeDir, Mode: 0o755})
}

func (t *tree) entry(name string, header *tar.Header) error {
	t.seen[name] = header.Typeflag
	return t.header(name, header)
}

func (t *tree) header(name string, header *tar.Header) error {
	header.Name, header.ModTime = path.Join(t.root, name), modTime
	if header.Typeflag == tar.TypeDir {
		header.Name += "/"
	}
	return t.archive.WriteHeader(header)
}

// checkPath refuses names that lead elsewhere, or that mean something else in a
// layer (OCI image specification, layer.md, "Whiteouts").
func checkPath(name string) error {
	switch {
	case path.IsAbs(name), leaves(name), name == ".":
		return errors.New("the name leads out of the buildpack")
	case !utf8.ValidString(name), strings.ContainsRune(name, 0):
		return errors.New("the name is not UTF-8 text")
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".wh.") {
			return errors.New("names that begin with .wh. are reserved for whiteouts")
		}
	}
	return nil
}

func leaves(name string) bool { return name == ".." || strings.HasPrefix(name, "../") }

// addTree makes a module of the files of a buildpack.
func (r *resolver) addTree(files source, content []byte) (builder.Ref, error) {
	d, err := readDescriptor(r.of, content)
	if err != nil {
		return builder.Ref{}, err
	}
	if !d.composite() {
		if err := r.checkAPI(d.API); err != nil {
			return builder.Ref{}, err
		}
	}
	layer, err := r.spool.layer(func(to io.Writer) error { return writeTree(to, d, files, r.spool.limit) })
	if err != nil {
		return builder.Ref{}, err
	}
	diffID, err := layer.DiffID()
	if err != nil {
		return builder.Ref{}, err
	}
	r.found = append(r.found, module{
		id: d.Buildpack.ID, version: d.Buildpack.Version, layer: layer,
		Module: builder.Module{API: d.API, LayerDiffID: diffID.String(), Order: d.Order, Stacks: d.Stacks, Targets: d.Targets},
	})
	return d.ref(), nil
}
