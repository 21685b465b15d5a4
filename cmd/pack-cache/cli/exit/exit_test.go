package exit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/platform"
	"github.com/pack-cache/pack-cache/trust"
)

func TestCode(t *testing.T) {
	t.Parallel()
	plain := errors.New("x")
	credential := &trust.CredentialError{Host: "r.example.com", Reason: "refused"}
	detect := &lifecycle.ExitError{Phase: lifecycle.Detect, Code: 20}
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"none", nil, 0},
		{"plain", plain, 1},
		{"usage", hint.Usagef("", "%w", plain), 2},
		{"wrapped usage", fmt.Errorf("a: %w", hint.Usagef("", "%w", plain)), 2},
		{"a store that refuses", fmt.Errorf("a: %w", layers.ErrDenied), 4},
		{"a directory of somebody else", errors.Join(layers.ErrDenied, &fs.PathError{Op: "open", Path: "/x", Err: syscall.EACCES}), 1},
		{"a directory that is only read", errors.Join(layers.ErrDenied, &fs.PathError{Op: "open", Path: "/x", Err: syscall.EROFS}), 1},
		{"cache not saved", fmt.Errorf("a: %w", &platform.CacheNotSavedError{To: "r", Reason: "x"}), 3},
		{"credentials", fmt.Errorf("a: %w", credential), 4},
		{"cache refused", &platform.CacheNotReadError{Denied: true}, 4},
		{"cache not read", &platform.CacheNotReadError{}, 1},
		{"registry says 401", fmt.Errorf("a: %w", &transport.Error{StatusCode: 401}), 4},
		{"registry says 403", fmt.Errorf("a: %w", &transport.Error{StatusCode: 403}), 4},
		{"registry says 404", fmt.Errorf("a: %w", &transport.Error{StatusCode: 404}), 1},
		{"detect", fmt.Errorf("a: %w", detect), 20},
		{"build", &lifecycle.ExitError{Phase: lifecycle.Build, Code: 51}, 51},
		{"last of the lifecycle", &lifecycle.ExitError{Phase: lifecycle.Export, Code: 69}, 69},
		{"below the lifecycle", &lifecycle.ExitError{Phase: lifecycle.Detect, Code: 19}, 1},
		{"above the lifecycle", &lifecycle.ExitError{Phase: lifecycle.Export, Code: 70}, 1},
		{"phase killed", &lifecycle.ExitError{Phase: lifecycle.Build, Code: 137}, 1},
		{"cancelled", fmt.Errorf("a: %w", context.Canceled), 130},
		{"timed out", context.DeadlineExceeded, 1},
		{"cancelled because something failed", errors.Join(credential, context.Canceled), 4},
		{"cancelled because a phase failed", errors.Join(context.Canceled, detect), 20},
		{"phase that failed for credentials", errors.Join(credential, detect), 20},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := exit.Code(test.err); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

// TestFewFiles says what is wrong with the whole process, whatever it came out as.
func TestFewFiles(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		hint.With("start the daemon", fmt.Errorf("no docker daemon answers: %w", syscall.EMFILE)),
		hint.With("choose another directory", fmt.Errorf("open: %w", syscall.ENFILE)),
		hint.Errorf("allow namespaces", "a helper: pipe2: too many open files"),
	} {
		var out bytes.Buffer
		exit.Print(&out, err)
		if want := "HINT: raise the limit of open files"; !strings.Contains(out.String(), want) || strings.Count(out.String(), "HINT") != 1 {
			t.Errorf("%s", &out)
		}
	}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	inner := hint.Errorf("do this", "inner")
	tests := []struct {
		name string
		err  error
		code int
		want string
	}{
		{"none", nil, 0, ""},
		{"plain", errors.New("it broke"), 1, "ERROR: it broke\n"},
		{"several lines", errors.New("it\nbroke\n"), 1, "ERROR: it\n      broke\n"},
		{"hint below", fmt.Errorf("outer: %w", inner), 1, "ERROR: outer: inner\nHINT: do this\n"},
		{"two hints", hint.With("do that", fmt.Errorf("outer: %w", inner)), 1, "ERROR: outer: inner\nHINT: do that\nHINT: do this\n"},
		{"the same hint twice", hint.With("do this", inner), 1, "ERROR: inner\nHINT: do this\n"},
		{"no hint", hint.Errorf("", "x"), 1, "ERROR: x\n"},
		{"joined", errors.Join(errors.New("a"), inner), 1, "ERROR: a\n      inner\nHINT: do this\n"},
		{"usage", hint.Usagef("see --help", "unknown flag: --x"), 2, "ERROR: unknown flag: --x\nHINT: see --help\n"},
		{"cancelled", fmt.Errorf("phase: %w", context.Canceled), 130, "ERROR: cancelled\n"},
		{"secret", errors.New("Get https://bob:hunter2@r.example.com/: EOF"), 1, "ERROR: Get https://[redacted]@r.example.com/: EOF\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if code := exit.Print(&out, test.err); code != test.code {
				t.Errorf("code %d, want %d", code, test.code)
			}
			if diff := cmp.Diff(test.want, out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestPrintLongPath shows the ends of a path that nobody reads whole.
func TestPrintLongPath(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	exit.Print(&out, hint.Usagef("name another than /"+strings.Repeat("x", 4000), "cannot open /begin/%send", strings.Repeat("directory/", 400)))
	if text := out.String(); len(text) > 1000 || !strings.Contains(text, "ERROR: cannot open /begin/") || !strings.Contains(text, "/end\nHINT: name another") {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}
