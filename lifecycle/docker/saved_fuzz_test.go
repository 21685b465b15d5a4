package docker

import (
	"archive/tar"
	"bytes"
	"io"
	"testing"
)

// FuzzSpool reads whatever a daemon can give out as a saved image.
func FuzzSpool(f *testing.F) {
	saving := func(files ...[2]string) []byte {
		var raw bytes.Buffer
		w := tar.NewWriter(&raw)
		for _, file := range files {
			if err := w.WriteHeader(&tar.Header{Name: file[0], Typeflag: tar.TypeReg, Size: int64(len(file[1])), Mode: 0o644}); err != nil {
				f.Fatal(err)
			}
			io.WriteString(w, file[1])
		}
		w.Close()
		return raw.Bytes()
	}
	f.Add(saving([2]string{"manifest.json", `[{"Config":"c","Layers":["a/layer.tar"]}]`}, [2]string{"a/layer.tar", "x"}))
	f.Add(saving([2]string{"manifest.json", `[{"Layers":["../../secret"]}]`}))
	f.Add(saving([2]string{"manifest.json", `null`}))
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		image, err := spool(bytes.NewReader(raw), 1)
		if err != nil {
			return
		}
		defer image.file.Close()
		if len(image.layers) != 1 {
			t.Errorf("%d layers instead of one", len(image.layers))
		}
		for _, layer := range image.layers {
			if n, err := io.Copy(io.Discard, layer); err != nil || n > int64(len(raw)) {
				t.Errorf("%d bytes of %d, error %v", n, len(raw), err)
			}
		}
	})
}
