package blob

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"

	"github.com/pack-cache/pack-cache/internal/test/testtree"
)

// framed compresses data as a save does: in frames that decode by themselves.
func framed(t testing.TB, data []byte) []byte {
	t.Helper()
	p, err := NewPress(Compression{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	_, err = p.Pack(t.Context(), &out, Content{Fill: func(w *Writer) error { _, err := w.Write(data); return err }})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// single compresses data as other programs do: in one frame.
func single(t testing.TB, data []byte, options ...zstd.EOption) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, options...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestZstdFrames(t *testing.T) {
	t.Parallel()
	skippable := []byte{0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'}
	for _, test := range []struct {
		name   string
		stream []byte
		want   []byte
	}{
		{"empty", single(t, nil), nil},
		{"one frame", framed(t, text(frameSize)), text(frameSize)},
		{"many", framed(t, text(9*frameSize+17)), text(9*frameSize + 17)},
		{"what does not shrink", framed(t, testtree.Bytes(3*frameSize)), testtree.Bytes(3 * frameSize)},
		{"zeros", framed(t, make([]byte, 3*frameSize)), make([]byte, 3*frameSize)},
		{"another's", single(t, text(3_000_000)), text(3_000_000)},
		{"another's, small, with a checksum", single(t, text(1000), zstd.WithEncoderCRC(true)), text(1000)},
		{"ours, then another's", append(framed(t, text(3*frameSize)), single(t, text(3_000_000))...), append(text(3*frameSize), text(3_000_000)...)},
		{"ours, then what is to be skipped, then ours", bytes.Join([][]byte{framed(t, text(10)), skippable, framed(t, text(10))}, nil), append(text(10), text(10)...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			wantDecoded(t, test.stream, test.want)
		})
	}
}

// TestZstdFramesBroken cuts and damages a stream everywhere: there is an error, or
// what came of it has the right beginning.
func TestZstdFramesBroken(t *testing.T) {
	t.Parallel()
	data := text(2*frameSize + 1000)
	good := framed(t, data)
	read := func(from io.Reader) ([]byte, error) {
		decoder, err := decoderOf(from)
		if err != nil {
			return nil, err
		}
		got, err := io.ReadAll(decoder)
		return got, errors.Join(err, decoder.Close())
	}
	broken := errors.New("broken")
	for at := 5; at < len(good); at += 1 + len(good)/60 {
		got, err := read(bytes.NewReader(good[:at]))
		if !bytes.HasPrefix(data, got) || err == nil && len(got)%frameSize != 0 {
			t.Errorf("cut at %d: %d bytes, %v", at, len(got), err)
		}
		got, err = read(io.MultiReader(bytes.NewReader(good[:at]), iotest.ErrReader(broken)))
		if !bytes.HasPrefix(data, got) || !errors.Is(err, broken) {
			t.Errorf("fails at %d: %d bytes, %v", at, len(got), err)
		}
		damaged := bytes.Clone(good)
		damaged[at] ^= 0x40
		read(bytes.NewReader(damaged)) // a digest tells what it was worth
	}
}

// FuzzDecoder decodes anything, without more than an error.
func FuzzDecoder(f *testing.F) {
	f.Add(framed(f, text(3000)))
	f.Add(squeezed(f, text(3000)))
	f.Add(single(f, text(3000)))
	f.Add([]byte("plain"))
	f.Fuzz(func(t *testing.T, data []byte) {
		decoder, err := decoderOf(bytes.NewReader(data))
		if err != nil {
			return
		}
		io.Copy(io.Discard, io.LimitReader(decoder, 64<<20))
		decoder.Close()
	})
}
