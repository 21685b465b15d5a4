package blob

import (
	"bytes"
	stdgzip "compress/gzip"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
	"time"
)

// squeezed compresses data as a layer's archive.
func squeezed(t testing.TB, data []byte) []byte {
	t.Helper()
	p, err := NewPress(Compression{Codec: Gzip})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := p.Pack(t.Context(), &out, Content{Fill: func(w *Writer) error { _, err := w.Write(data); return err }}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// text is data that can be compressed.
func text(n int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, n)
	for i := range data {
		data[i] = "abcdefgh"[random.IntN(8)]
	}
	return data
}

// decoderOf decodes what comes from any reader.
func decoderOf(from io.Reader) (io.ReadCloser, error) {
	f, err := newFeed(context.Background(), from, func(err error) error { return err }, nil, nil)
	if err != nil {
		return nil, err
	}
	return closing{f}, nil
}

// closing is a feed as an io.ReadCloser.
type closing struct{ *Feed }

func (c closing) Close() error {
	c.Feed.Close()
	return nil
}

// wantDecoded decodes a stream, also from a source that gives it in small pieces.
func wantDecoded(t *testing.T, stream, want []byte) {
	t.Helper()
	for _, from := range []io.Reader{bytes.NewReader(stream), iotest.HalfReader(bytes.NewReader(stream))} {
		decoder, err := decoderOf(from)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(decoder)
		if err := errors.Join(err, decoder.Close()); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes, %v; want %d", len(got), err, len(want))
		}
	}
}

// TestMembers reads streams of members of every length, ours and others', alone
// and together, as our reader and the standard library do.
func TestMembers(t *testing.T) {
	t.Parallel()
	var foreign bytes.Buffer
	w := stdgzip.NewWriter(&foreign)
	w.Name = "foreign"
	w.Write(text(300_000))
	w.Close()
	for _, test := range []struct {
		name   string
		stream []byte
		want   []byte
	}{
		{"one", squeezed(t, text(10)), text(10)},
		{"one frame", squeezed(t, text(frameSize)), text(frameSize)},
		{"many", squeezed(t, text(9*frameSize+17)), text(9*frameSize + 17)},
		{"another's", foreign.Bytes(), text(300_000)},
		{"ours, then another's", append(squeezed(t, text(3*frameSize)), foreign.Bytes()...), append(text(3*frameSize), text(300_000)...)},
		{"another's, then ours", append(bytes.Clone(foreign.Bytes()), squeezed(t, text(3*frameSize))...), append(text(300_000), text(3*frameSize)...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			wantDecoded(t, test.stream, test.want)
			standard, err := stdgzip.NewReader(bytes.NewReader(test.stream))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(standard); err != nil || !bytes.Equal(got, test.want) {
				t.Errorf("the standard library reads %d bytes, %v", len(got), err)
			}
		})
	}
}

// TestMembersBroken reads streams that end too early, that lie, and whose source
// fails: there is an error, what came before it is right, and nothing reads on.
func TestMembersBroken(t *testing.T) {
	t.Parallel()
	data := text(6 * frameSize)
	good := squeezed(t, data)
	first, ok := memberLength(good)
	if !ok {
		t.Fatal("a member does not say how long it is")
	}
	change := func(at int, to byte) []byte {
		stream := bytes.Clone(good)
		stream[at] = to
		return stream
	}
	broken := errors.New("broken")
	for name, from := range map[string]io.Reader{
		"ends in a member":       bytes.NewReader(good[:first+100]),
		"ends in a header":       bytes.NewReader(good[:first+7]),
		"source fails":           io.MultiReader(bytes.NewReader(good[:2*first+100]), iotest.ErrReader(broken)),
		"source fails at a seam": io.MultiReader(bytes.NewReader(good[:first]), iotest.ErrReader(broken)),
		"wrong length":           bytes.NewReader(change(first+16, good[first+16]+1)),
		"wrong content":          bytes.NewReader(change(first+memberHeader+1000, good[first+memberHeader+1000]^0xff)),
		"wrong size":             bytes.NewReader(change(first-4, good[first-4]+1)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			decoder, err := decoderOf(from)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(decoder)
			if err == nil && !bytes.Equal(got, data[:len(got)]) {
				return // only a checksum can tell
			}
			if err == nil {
				t.Errorf("no error after %d bytes", len(got))
			}
			decoder.Close()
		})
	}
}

// TestMembersClosed ends a reading in its middle.
func TestMembersClosed(t *testing.T) {
	t.Parallel()
	decoder, err := decoderOf(bytes.NewReader(squeezed(t, text(20*frameSize))))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(decoder, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- decoder.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
}

func BenchmarkGunzip(b *testing.B) {
	data := text(64 << 20)
	ours := squeezed(b, data)
	var single bytes.Buffer
	w, _ := stdgzip.NewWriterLevel(&single, stdgzip.BestSpeed)
	w.Write(data)
	w.Close()
	for name, stream := range map[string][]byte{"members": ours, "ordinary": single.Bytes()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				decoder, err := decoderOf(bytes.NewReader(stream))
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, decoder); err != nil || n != int64(len(data)) {
					b.Fatal(n, err)
				}
				decoder.Close()
			}
		})
	}
}
