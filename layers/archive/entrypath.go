package archive

import (
	"archive/tar"
	"fmt"
	"slices"
	"strings"
)

// entryPaths maps the names in a layer's archive to paths below the layer's
// directory.
//
// The names begin with the layers directory of the build that made the archive
// ("/layers", usually), then follow the layer's own directory and what is in
// it. The entries of the directories above the layer come first and mean
// nothing here; any other entry outside the layer makes the archive invalid.
type entryPaths struct {
	// dir is the layer's directory below the layers directory.
	dir []string
	// prefix is the layers directory of the archive, once it is known.
	prefix []string
	// root is prefix and dir.
	root []string
	// above are the directories seen before prefix was known.
	above [][]string
}

func newEntryPaths(dir string) *entryPaths {
	return &entryPaths{dir: strings.Split(dir, "/")}
}

// place says where an entry belongs: inside reports that it is the layer's
// directory (path "") or something below it, otherwise it is a directory above.
func (e *entryPaths) place(header *tar.Header) (path string, inside bool, err error) {
	elements, err := splitName(header.Name)
	if err != nil {
		return "", false, err
	}
	if e.prefix == nil {
		if err := e.findPrefix(elements); err != nil {
			return "", false, err
		}
	}
	switch {
	case e.prefix != nil && len(elements) >= len(e.root) && slices.Equal(elements[:len(e.root)], e.root):
		return strings.Join(elements[len(e.root):], "/"), true, nil
	case header.Typeflag != tar.TypeDir:
		return "", false, fmt.Errorf("entry %q is outside the layer %s", header.Name, strings.Join(e.dir, "/"))
	case e.prefix == nil:
		e.above = append(e.above, elements)
		return "", false, nil
	case isAbove(elements, e.root):
		return "", false, nil
	default:
		return "", false, fmt.Errorf("entry %q is outside the layer %s", header.Name, strings.Join(e.dir, "/"))
	}
}

// findPrefix looks for the layer's directory in a name, behind at least one
// element, and holds the directories seen so far against what it finds.
func (e *entryPaths) findPrefix(elements []string) error {
	for i := 1; i+len(e.dir) <= len(elements); i++ {
		if !slices.Equal(elements[i:i+len(e.dir)], e.dir) {
			continue
		}
		e.prefix, e.root = elements[:i], elements[:i+len(e.dir)]
		for _, above := range e.above {
			if !isAbove(above, e.root) {
				return fmt.Errorf("entry %q is outside the layer %s", strings.Join(above, "/"), strings.Join(e.dir, "/"))
			}
		}
		return nil
	}
	return nil
}

func isAbove(elements, root []string) bool {
	return len(elements) < len(root) && slices.Equal(elements, root[:len(elements)])
}

// splitName takes a name apart. A leading slash, a trailing one and "." mean
// nothing.
func splitName(name string) ([]string, error) {
	if strings.ContainsRune(name, 0) {
		return nil, fmt.Errorf("entry name %q has a NUL byte", name)
	}
	elements := make([]string, 0, 1+strings.Count(name, "/"))
	for element := range strings.SplitSeq(name, "/") {
		switch element {
		case "", ".":
		case "..":
			return nil, fmt.Errorf("entry name %q has a \"..\"", name)
		default:
			elements = append(elements, element)
		}
	}
	return elements, nil
}
