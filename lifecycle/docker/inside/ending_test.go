package inside

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// TestEnding takes the mark out of a stream, however the stream was cut.
func TestEnding(t *testing.T) {
	t.Parallel()
	const secret = "aabbaa"
	mark := string(markOf(secret))
	for name, test := range map[string]struct {
		sent, want string
		whole      bool
	}{
		"nothing":             {"", "", false},
		"only the mark":       {mark, "", true},
		"text":                {"text\n" + mark, "text\n", true},
		"what follows":        {"text" + mark + "of an orphan", "text", true},
		"cut":                 {"text" + mark[:5], "text" + mark[:5], false},
		"no mark":             {"text\x00aabbab\n", "text\x00aabbab\n", false},
		"beginning and mark":  {"\x00aab" + mark, "\x00aab", true},
		"beginnings and mark": {"\x00\x00aabb\x00" + mark, "\x00\x00aabb\x00", true},
	} {
		for size := 1; size <= len(test.sent)+1; size++ {
			var got bytes.Buffer
			whole := 0
			e := &Ending{Secret: secret, Rest: &got, Whole: func() { whole++ }}
			for left := test.sent; left != ""; left = left[min(size, len(left)):] {
				part := left[:min(size, len(left))]
				if n, err := e.Write([]byte(part)); n != len(part) || err != nil {
					t.Fatalf("%s: %d, %v", name, n, err)
				}
			}
			e.Flush()
			if got.String() != test.want || whole > 1 || (whole == 1) != test.whole {
				t.Errorf("%s, %d bytes at a time: %q, whole %d", name, size, got.String(), whole)
			}
		}
	}
}

// TestEndingPassesOnAtOnce keeps back nothing that cannot be the mark.
func TestEndingPassesOnAtOnce(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	e := &Ending{Secret: "s", Rest: &got, Whole: func() {}}
	if _, err := e.Write([]byte("a line\n")); err != nil || got.String() != "a line\n" {
		t.Errorf("%q, %v", got.String(), err)
	}
}

// TestEndingWithoutReader goes on to the mark when nobody takes the output.
func TestEndingWithoutReader(t *testing.T) {
	t.Parallel()
	whole := false
	e := &Ending{Secret: "s", Rest: broken{}, Whole: func() { whole = true }}
	if _, err := e.Write([]byte("text" + string(markOf("s")))); err != nil || !whole {
		t.Errorf("whole %v, %v", whole, err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken") }

// TestGoodbye comes between frames, and is no frame.
func TestGoodbye(t *testing.T) {
	t.Parallel()
	var sent bytes.Buffer
	if err := errors.Join(CopyFrames(&sent, strings.NewReader("input")), WriteGoodbye(&sent)); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, maxFrame)
	for _, want := range []string{"input", ""} {
		if frame, err := readFrame(&sent, buffer); string(frame) != want || err != nil {
			t.Errorf("got %q, %v; want %q", frame, err, want)
		}
	}
	if _, err := readFrame(&sent, buffer); !errors.Is(err, errGoodbye) {
		t.Errorf("got %v", err)
	}
}
