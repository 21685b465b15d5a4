package enginetest

import (
	"archive/tar"
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

// testMeanwhile takes a file out of a volume and puts others in while a phase
// that has the volume runs.
func testMeanwhile(t *testing.T, s *suite) {
	place := s.place(t)
	large := strings.Repeat("0123456789abcdef", 1<<16)
	put := func(name, content string) {
		t.Helper()
		header := tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600}
		if err := place.Import(t.Context(), lifecycle.VolumeApp, bytes.NewReader(archive(t, file{header, []byte(content)}))); err != nil {
			t.Fatal(err)
		}
	}
	roots(t, func(t *testing.T, phase func(...string) lifecycle.Phase) {
		steps(t, place, with(builderPhase("do", "remove:/workspace/out", "remove:/workspace/in", "remove:/workspace/go"), app))
		var stdout bytes.Buffer
		ended := make(chan error, 1)
		go func() {
			ended <- place.Run(t.Context(), with(phase("do", "write:/workspace/out=from the phase", "await:/workspace/go",
				"read:/workspace/in", "remove:/workspace/in", "list:/workspace"), app), lifecycle.Streams{Stdout: &stdout})
		}()
		for {
			r, err := place.Export(t.Context(), lifecycle.VolumeApp, "out")
			if err == nil {
				r.Close()
				break
			}
			if !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
			select {
			case err := <-ended:
				t.Fatalf("the phase ended with %v: %s", err, &stdout)
			case <-time.After(5 * time.Millisecond):
			}
		}
		put("in", large)
		put("go", "")
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		want := []report.Step{{}, {}, {Out: large}, {}, {Out: "go out"}}
		if diff := cmp.Diff(want, decode[[]report.Step](t, stdout.String())); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
	})
}
