package inside

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// TestFrames sends inputs of several lengths and reads them as the first process
// does.
func TestFrames(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, maxFrame - 1, maxFrame, maxFrame + 1, 3*maxFrame + 7} {
		text := strings.Repeat("x", size)
		for name, reader := range map[string]io.Reader{
			"at once":           strings.NewReader(text),
			"end with the data": iotest.DataErrReader(strings.NewReader(text)),
			"half at a time":    iotest.HalfReader(strings.NewReader(text)),
		} {
			var sent, got bytes.Buffer
			if err := CopyFrames(&sent, reader); err != nil {
				t.Fatal(err)
			}
			buffer := make([]byte, maxFrame)
			for {
				frame, err := readFrame(&sent, buffer)
				if err != nil {
					t.Fatalf("%d bytes, %s: %v", size, name, err)
				}
				if len(frame) == 0 {
					break
				}
				got.Write(frame)
			}
			if got.String() != text || sent.Len() != 0 {
				t.Errorf("%d bytes, %s: got %d, and %d are left", size, name, got.Len(), sent.Len())
			}
		}
	}
}

func TestFramesFail(t *testing.T) {
	t.Parallel()
	var sent bytes.Buffer
	if err := CopyFrames(&sent, strings.NewReader("some text")); err != nil {
		t.Fatal(err)
	}
	whole := sent.Bytes()
	for size := range whole {
		if got, err := io.ReadAll(&frames{from: bytes.NewReader(whole[:size])}); err != io.ErrUnexpectedEOF {
			t.Errorf("%d bytes of %d: %q, %v", size, len(whole), got, err)
		}
	}
	if got, err := io.ReadAll(&frames{from: iotest.OneByteReader(&sent)}); string(got) != "some text" || err != nil {
		t.Errorf("the whole: %q, %v", got, err)
	}
	if err := CopyFrames(io.Discard, iotest.ErrReader(io.ErrNoProgress)); err != io.ErrNoProgress {
		t.Errorf("a reader that fails: %v", err)
	}
	for name, data := range map[string][]byte{
		"nothing":     nil,
		"half a head": {0, 0},
		"cut":         {0, 0, 0, 5, 'x'},
		"huge":        binary.BigEndian.AppendUint32(nil, maxOrder+1),
	} {
		if _, err := readFrame(bytes.NewReader(data), nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	order := &Order{Secret: "s", Phase: &Phase{Exe: "/x", Args: []string{"x", ""}, Env: []string{"A=b"}, Input: true}}
	var sent bytes.Buffer
	if err := WriteOrder(&sent, order); err != nil {
		t.Fatal(err)
	}
	sent.WriteString("what follows")
	got, err := readOrder(&sent)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(order, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if sent.String() != "what follows" {
		t.Errorf("%q is left", sent.String())
	}
}

// TestNotices takes notices out of a stream, however it is cut.
func TestNotices(t *testing.T) {
	t.Parallel()
	const secret = "5ecret"
	for _, test := range []struct {
		name, stream, rest string
		notices            []Notice
	}{
		{"nothing", "", "", nil},
		{"only output", "output\n", "output\n", nil},
		{"only a notice", secret + `{"Ready":true}` + "\n", "", []Notice{{Ready: true}}},
		{"then output", secret + `{"Ready":true}` + "\nout\nput", "out\nput", []Notice{{Ready: true}}},
		{"two", secret + `{"Ready":true}` + "\n" + secret + `{"Error":"e"}` + "\n", "", []Notice{{Ready: true}, {Error: "e"}}},
		{"none after output", "out\n" + secret + `{"Ready":true}` + "\n", "out\n" + secret + `{"Ready":true}` + "\n", nil},
		{"output like a notice", "5ecre", "5ecre", nil},
		{"an unfinished notice", secret + `{"Rea`, secret + `{"Rea`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, size := range []int{1, 3, 7, 1000} {
				var rest strings.Builder
				var notices []Notice
				n := &Notices{Secret: secret, Rest: &rest, Notice: func(n Notice) { notices = append(notices, n) }}
				for stream := test.stream; stream != ""; {
					part := stream[:min(size, len(stream))]
					if _, err := n.Write([]byte(part)); err != nil {
						t.Fatal(err)
					}
					stream = stream[len(part):]
				}
				if err := n.Flush(); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.notices, notices); diff != "" {
					t.Errorf("in parts of %d: notices (-want +got):\n%s", size, diff)
				}
				if rest.String() != test.rest {
					t.Errorf("in parts of %d: %q, want %q", size, rest.String(), test.rest)
				}
			}
		})
	}
}

func FuzzNotices(f *testing.F) {
	f.Add([]byte("5ecret{}\nrest"), []byte("5ecret{\"Error\":\"e\"}\n"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		const secret = "5ecret"
		var rest bytes.Buffer
		n := &Notices{Secret: secret, Rest: &rest, Notice: func(Notice) {}}
		if _, err := n.Write(first); err != nil {
			return // no such notice is ever written
		}
		if _, err := n.Write(second); err != nil {
			return
		}
		if err := n.Flush(); err != nil {
			t.Fatal(err)
		}
		all := append(first, second...)
		if !bytes.HasPrefix(all, []byte(secret)) && !bytes.Equal(all, rest.Bytes()) {
			t.Errorf("%q became %q", all, rest.Bytes())
		}
	})
}
