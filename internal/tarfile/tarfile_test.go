package tarfile

import (
	"archive/tar"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func TestLayer(t *testing.T) {
	t.Parallel()
	layer, err := Layer(types.OCIUncompressedLayer, []tar.Header{
		{Typeflag: tar.TypeDir, Name: "d/", Mode: 0o755},
		{Typeflag: tar.TypeReg, Name: "d/f", Mode: 0o644},
		{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "d"},
	}, map[string][]byte{"d/f": []byte("content")})
	if err != nil {
		t.Fatal(err)
	}
	archive, err := layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for r := tar.NewReader(archive); ; {
		header, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, header.Name+header.Linkname+":"+string(content))
	}
	if diff := cmp.Diff([]string{"d/:", "d/f:content", "ld:"}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := Bytes([]tar.Header{{Typeflag: tar.TypeDir, Name: "d/"}}, map[string][]byte{"d/": []byte("x")}); err == nil {
		t.Error("a directory with content is no error")
	}
}
