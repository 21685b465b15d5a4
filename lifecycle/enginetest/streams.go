package enginetest

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

func testOutput(t *testing.T, s *suite) {
	place := s.place(t)
	roots(t, func(t *testing.T, phase func(...string) lifecycle.Phase) {
		var stdout, stderr bytes.Buffer
		err := place.Run(t.Context(), phase("say", "out 1", "err 1", "out 2"), lifecycle.Streams{Stdout: &stdout, Stderr: &stderr})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := stdout.String(), "out 1\nout 2\n"; got != want {
			t.Errorf("standard output %q, want %q", got, want)
		}
		if got, want := stderr.String(), "err 1\n"; got != want {
			t.Errorf("standard error %q, want %q", got, want)
		}
		if err := place.Run(t.Context(), phase("say", "a", "b"), lifecycle.Streams{}); err != nil {
			t.Errorf("without writers: %v", err)
		}
	})
}

func testOutputIsLive(t *testing.T, s *suite) {
	place := s.place(t)
	roots(t, func(t *testing.T, phase func(...string) lifecycle.Phase) {
		// started returns only because the line came while the phase waits.
		cancel, ended := started(t, place, phase("wait"), nil)
		cancel()
		<-ended
	})
}

func testInput(t *testing.T, s *suite) {
	place := s.place(t)
	text := strings.Repeat("0123456789abcdef", 1<<16)
	roots(t, func(t *testing.T, phase func(...string) lifecycle.Phase) {
		for _, test := range []struct {
			name  string
			stdin io.Reader
			want  string
		}{
			{"none", nil, ""},
			{"empty", strings.NewReader(""), ""},
			{"a mebibyte", strings.NewReader(text), text},
		} {
			t.Run(test.name, func(t *testing.T) {
				var stdout bytes.Buffer
				err := place.Run(t.Context(), phase("cat"), lifecycle.Streams{Stdin: test.stdin, Stdout: &stdout})
				if err != nil {
					t.Fatal(err)
				}
				if stdout.String() != test.want {
					t.Errorf("got %d bytes, want %d", stdout.Len(), len(test.want))
				}
			})
		}
		t.Run("not read to the end", func(t *testing.T) {
			endless, stop := io.Pipe()
			defer stop.Close()
			if err := place.Run(t.Context(), phase("say"), lifecycle.Streams{Stdin: endless}); err != nil {
				t.Fatal(err)
			}
		})
	})
}

// testStreamNames opens the streams by name, as shell scripts do.
func testStreamNames(t *testing.T, s *suite) {
	var stdout, stderr bytes.Buffer
	err := s.place(t).Run(t.Context(), builderPhase("do", "append:/dev/stderr=by name", "read:/dev/stdin", "append:/proc/self/fd/1=x"),
		lifecycle.Streams{Stdin: strings.NewReader("input"), Stdout: &stdout, Stderr: &stderr})
	if err != nil {
		t.Fatal(err)
	}
	if stderr.String() != "by name" {
		t.Errorf("standard error %q", stderr.String())
	}
	text, written := strings.CutPrefix(stdout.String(), "x")
	got := decode[[]report.Step](t, text)
	if diff := cmp.Diff([]report.Step{{}, {Out: "input"}, {}}, got); diff != "" || !written {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// testPrivateStreams has an own phase open what it talks with pack-cache through
// by all the names that it has. A program that can be made to write to a path must
// not be able to speak for the phase.
func testPrivateStreams(t *testing.T, s *suite) {
	var steps []string
	for _, fd := range []string{"/proc/self/fd/0", "/proc/self/fd/1", "/proc/thread-self/fd/0", "/proc/thread-self/fd/1"} {
		steps = append(steps, "read:"+fd, "append:"+fd+"=forged", "write:"+fd+"=forged")
	}
	var stdout, stderr bytes.Buffer
	err := s.place(t).Run(t.Context(), ownPhase(append([]string{"do"}, steps...)...),
		lifecycle.Streams{Stdin: strings.NewReader("input"), Stdout: &stdout, Stderr: &stderr})
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range decode[[]report.Step](t, stdout.String()) {
		if !strings.Contains(step.Err, "no such device or address") {
			t.Errorf("%s: %q, error %q", steps[i], step.Out, step.Err)
		}
	}
}

func testExitCodes(t *testing.T, s *suite) {
	place := s.place(t)
	roots(t, func(t *testing.T, phase func(...string) lifecycle.Phase) {
		for _, test := range []struct {
			args []string
			want int
		}{
			{[]string{"exit", "1"}, 1},
			{[]string{"exit", "20"}, 20},
			{[]string{"exit", "255"}, 255},
			{[]string{"signal", "9"}, 137},
			{[]string{"signal", "15"}, 143},
		} {
			t.Run(strings.Join(test.args, " "), func(t *testing.T) {
				p := phase(test.args...)
				err := place.Run(t.Context(), p, lifecycle.Streams{})
				if diff := cmp.Diff(&lifecycle.ExitError{Phase: p.Name, Code: test.want}, err); diff != "" {
					t.Errorf("error (-want +got):\n%s", diff)
				}
			})
		}
	})
}

func testCannotStart(t *testing.T, s *suite) {
	place := s.place(t)
	missing := builderPhase()
	missing.Args = []string{"/cnb/lifecycle/missing"}
	notExecutable := builderPhase()
	notExecutable.Args = []string{"/etc/passwd"}
	noDir := builderPhase("say")
	noDir.Dir = "/no/such/directory"
	for name, phase := range map[string]lifecycle.Phase{
		"/cnb/lifecycle/missing": missing, "/etc/passwd": notExecutable, "/no/such/directory": noDir,
	} {
		t.Run(strings.TrimPrefix(name, "/"), func(t *testing.T) {
			err := place.Run(t.Context(), phase, lifecycle.Streams{})
			if _, exited := errors.AsType[*lifecycle.ExitError](err); exited || err == nil {
				t.Fatalf("got %v, want another error", err)
			}
			if !strings.Contains(err.Error(), name) {
				t.Errorf("the error does not name %s: %v", name, err)
			}
		})
	}
}
