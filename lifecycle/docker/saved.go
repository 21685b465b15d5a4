package docker

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
)

// saved is an image as `docker save` gives it out.
type saved struct {
	file *os.File // has no name any more
	// layers are the plain archives, lowest first.
	layers []*io.SectionReader
}

// spool reads an archive of one image with the given number of layers into a
// file, in which everything can be found.
func spool(archive io.Reader, layers int) (_ *saved, err error) {
	file, err := os.CreateTemp("", "pack-cache-image-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	if err := os.Remove(file.Name()); err != nil {
		return nil, err
	}
	entries, err := spoolEntries(archive, file)
	if err != nil {
		return nil, err
	}
	listed, err := entries.layers()
	if err != nil {
		return nil, err
	}
	if len(listed) != layers {
		return nil, fmt.Errorf("the archive has %d layers instead of %d", len(listed), layers)
	}
	return &saved{file, listed}, nil
}

// archived are the entries of an archive, by name.
type archived struct {
	files map[string]*io.SectionReader
	links map[string]string
}

func spoolEntries(archive io.Reader, file *os.File) (*archived, error) {
	found := &archived{map[string]*io.SectionReader{}, map[string]string{}}
	reader := tar.NewReader(archive)
	var offset int64
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		name := path.Clean(header.Name)
		switch header.Typeflag {
		case tar.TypeReg:
			n, err := io.Copy(file, reader)
			if err != nil {
				return nil, err
			}
			found.files[name] = io.NewSectionReader(file, offset, n)
			offset += n
		case tar.TypeSymlink:
			found.links[name] = path.Join(path.Dir(name), header.Linkname)
		case tar.TypeLink:
			found.links[name] = path.Clean(header.Linkname)
		}
	}
}

// layers are the files that manifest.json lists.
func (a *archived) layers() ([]*io.SectionReader, error) {
	list, ok := a.files["manifest.json"]
	if !ok {
		return nil, errors.New("the archive has no manifest.json")
	}
	var images []struct{ Layers []string }
	if err := json.NewDecoder(io.NewSectionReader(list, 0, list.Size())).Decode(&images); err != nil {
		return nil, fmt.Errorf("manifest.json: %w", err)
	}
	if len(images) != 1 {
		return nil, fmt.Errorf("manifest.json has %d images", len(images))
	}
	var layers []*io.SectionReader
	for _, name := range images[0].Layers {
		name = path.Clean(name)
		if target, ok := a.links[name]; ok {
			name = target
		}
		file, ok := a.files[name]
		if !ok {
			return nil, fmt.Errorf("the archive has no layer %s", name)
		}
		layers = append(layers, file)
	}
	return layers, nil
}
