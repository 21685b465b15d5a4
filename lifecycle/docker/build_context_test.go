package docker

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWriteContext hides the Dockerfile from instructions, and keeps what an
// application's own .dockerignore says.
func TestWriteContext(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ given, want map[string]string }{
		"nothing": {nil, map[string]string{
			dockerfileName: "FROM b", ignoreName: "\n" + dockerfileName + "\n" + ignoreName + "\n",
		}},
		"ignored files": {map[string]string{"a": "1", "./.dockerignore": "a", dockerfileName: "FROM other"}, map[string]string{
			"a": "1", dockerfileName: "FROM b", ignoreName: "a\n" + dockerfileName + "\n",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var files, archive bytes.Buffer
			w := tar.NewWriter(&files)
			for name, content := range test.given {
				if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(content))}); err != nil {
					t.Fatal(err)
				}
				if _, err := w.Write([]byte(content)); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(w.Close(), writeContext(&archive, &files, []byte("FROM b"))); err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for entries := tar.NewReader(&archive); ; {
				header, err := entries.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				content, err := io.ReadAll(entries)
				if err != nil {
					t.Fatal(err)
				}
				got[header.Name] = string(content)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}
