package extra

import (
	"archive/tar"
	"bytes"
	"cmp"
	"errors"
	"io"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/internal/hint"
)

// inline adds a buildpack that is written in the project descriptor.
func (r *resolver) inline(script *Script) (builder.Ref, error) {
	if script.API == "" {
		return builder.Ref{}, hint.Errorf("add the Buildpack API that it is written for, as in api = \"0.10\"", "its script has no api")
	}
	shell := cmp.Or(script.Shell, "/bin/sh")
	if strings.ContainsAny(shell, "\n\x00") {
		return builder.Ref{}, errors.New("its shell is not a path")
	}
	var descriptor bytes.Buffer
	err := toml.NewEncoder(&descriptor).Encode(map[string]any{
		"api":       script.API,
		"buildpack": map[string]string{"id": script.ID, "version": cmp.Or(script.Version, "0.0.0")},
		// Platforms before targets look at stacks.
		"stacks":  []map[string]string{{"id": "*"}},
		"targets": []map[string]string{{"os": r.target.OS}},
	})
	if err != nil {
		return builder.Ref{}, err
	}
	files := []struct{ name, content string }{
		{descriptorFile, descriptor.String()},
		{"bin/detect", "#!" + shell + "\n\nexit 0\n"},
		// The descriptor may have been written on Windows.
		{"bin/build", "#!" + shell + "\n\n" + strings.ReplaceAll(script.Inline, "\r\n", "\n") + "\n"},
	}
	return r.addTree(func(visit func(*tar.Header, io.Reader) error) error {
		for _, file := range files {
			header := &tar.Header{Typeflag: tar.TypeReg, Name: file.name, Mode: 0o755, Size: int64(len(file.content))}
			if err := visit(header, strings.NewReader(file.content)); err != nil {
				return err
			}
		}
		return nil
	}, descriptor.Bytes())
}
