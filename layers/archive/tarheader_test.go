package archive

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// headersOf reads the headers of an archive as a restore does, and passes over
// contents.
func headersOf(raw []byte) (all []tar.Header, err error) {
	f, err := feedOf(raw)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	archive := &archiveReader{feed: f}
	headers := &headerReader{from: archive}
	for {
		var h tar.Header
		if err := headers.next(&h); err == io.EOF {
			return all, nil
		} else if err != nil {
			return all, err
		}
		if h.Typeflag == tar.TypeReg {
			if err := archive.skip((h.Size + tarBlock - 1) &^ (tarBlock - 1)); err != nil {
				return all, err
			}
		}
		all = append(all, essence(&h))
	}
}

// essence is what a layer needs of a header.
func essence(h *tar.Header) tar.Header {
	return tar.Header{
		Typeflag: h.Typeflag, Name: h.Name, Linkname: h.Linkname, Mode: h.Mode, Uid: h.Uid, Gid: h.Gid, Size: h.Size,
		ModTime: h.ModTime.UTC(),
	}
}

// TestHeaders holds headers of all formats against archive/tar.
func TestHeaders(t *testing.T) {
	t.Parallel()
	for _, format := range []tar.Format{tar.FormatUnknown, tar.FormatUSTAR, tar.FormatPAX, tar.FormatGNU} {
		t.Run(format.String(), func(t *testing.T) {
			t.Parallel()
			var raw bytes.Buffer
			w := tar.NewWriter(&raw)
			for i := range 300 {
				h := &tar.Header{
					Typeflag: []byte{tar.TypeReg, tar.TypeDir, tar.TypeSymlink}[i%3],
					Name:     fmt.Sprintf("/layers/%s/%d", strings.Repeat("d/", i/3), i), Mode: int64(i), Uid: 1000 * i, Gid: i,
					ModTime: time.Unix(int64(i)*1e6, int64(i)*1e6), Format: format,
				}
				switch {
				case i%7 == 0 && format != tar.FormatUSTAR:
					h.Name += "ä=\n"
				case i%11 == 0:
					h.Uid = 1 << 22 // which does not fit into octal digits
				}
				switch h.Typeflag {
				case tar.TypeReg:
					h.Size = int64(i * 17)
				case tar.TypeSymlink:
					h.Linkname = strings.Repeat("../", i/3)
				}
				if err := w.WriteHeader(h); err != nil {
					continue // not in this format
				}
				if _, err := w.Write(make([]byte, h.Size)); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			var want []tar.Header
			for _, h := range readHeaders(t, raw.Bytes()) {
				want = append(want, essence(h))
			}
			got, err := headersOf(raw.Bytes())
			if err != nil || len(got) < 50 {
				t.Fatal(len(got), err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			// Wherever the archive is cut, what came before is right.
			for cut := 0; cut < raw.Len(); cut += 509 {
				got, err := headersOf(raw.Bytes()[:cut])
				if err == nil && cut%tarBlock != 0 {
					t.Fatalf("the first %d of %d bytes are an archive", cut, raw.Len())
				}
				if diff := cmp.Diff(append([]tar.Header(nil), want[:len(got)]...), got); diff != "" {
					t.Fatalf("after %d bytes: %s", cut, diff)
				}
			}
		})
	}
}

// FuzzHeader looks for headers that are read here, and otherwise by archive/tar.
func FuzzHeader(f *testing.F) {
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatPAX, tar.FormatGNU} {
		for _, kind := range []byte{tar.TypeReg, tar.TypeDir, tar.TypeSymlink} {
			var raw bytes.Buffer
			h := &tar.Header{Typeflag: kind, Name: "/layers/a/b", Mode: 0o644, ModTime: time.Unix(1e9, 0), Format: format}
			if format == tar.FormatPAX {
				h.ModTime, h.Name = time.Unix(1e9, 5e8), "/layers/ä"
			}
			if err := tar.NewWriter(&raw).WriteHeader(h); err != nil {
				f.Fatal(err)
			}
			f.Add(raw.Bytes())
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		raw = bytes.Clone(raw[:len(raw)&^(tarBlock-1)])
		if len(raw) == 0 {
			return
		}
		for i := 0; i < len(raw); i += tarBlock {
			putSum(raw[i : i+tarBlock])
		}
		if raw[156] == tar.TypeXHeader {
			size, ok := octal(raw[124:136])
			if !ok || tarBlock+int(size+tarBlock-1)&^(tarBlock-1)+tarBlock != len(raw) {
				return
			}
		} else if len(raw) != tarBlock {
			return
		}
		var got tar.Header
		if !readHeader(raw, &got) {
			return
		}
		want, err := tar.NewReader(bytes.NewReader(raw)).Next()
		if err != nil {
			t.Fatalf("read as %+v, which archive/tar refuses: %v", got, err)
		}
		if diff := cmp.Diff(essence(want), essence(&got)); diff != "" {
			t.Error(diff)
		}
	})
}

// putSum enters the checksum that a block should have.
func putSum(block []byte) {
	copy(block[148:], "        ")
	sum := 0
	for _, b := range block {
		sum += int(b)
	}
	copy(block[148:], fmt.Sprintf("%06o\x00 ", sum))
}
