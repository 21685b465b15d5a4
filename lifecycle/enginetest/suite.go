package enginetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

// testUser is the build user of the suite's builder.
var testUser = lifecycle.User{UID: 1001, GID: 1002}

// Quirk is what an engine does otherwise and cannot help.
type Quirk string

// MakesHostDirectories is the quirk of an engine that makes a directory of the
// host that is to be mounted and not there.
const MakesHostDirectories Quirk = "makes host directories"

// InPlace is the quirk of an engine whose phases are beside the test, in its own
// root: nothing can be mounted, there is one place at a time, and the arguments
// of other processes can be seen.
const InPlace Quirk = "in place"

// Run checks that the engine that open returns keeps the contract of package
// lifecycle. The engine's program for own phases has to be Program. Run sets
// HOME and TMPDIR before it calls open, so an engine that follows them works,
// and leaves what it leaves, there.
func Run(t *testing.T, open func(t *testing.T) lifecycle.Engine, quirks ...Quirk) {
	program := Program(t)
	home, temp := t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("TMPDIR", temp)
	t.Setenv("XDG_CACHE_HOME", "")
	plantSecrets(t, home, program, slices.Contains(quirks, InPlace))

	engine := open(t)
	facts, err := engine.Probe(t.Context())
	if err != nil {
		t.Fatalf("probe: %v", err)
	}
	s := &suite{engine: engine, traits: engine.Traits(), facts: facts, home: home, builder: Builder(t), quirks: quirks}
	t.Run("phases", func(t *testing.T) {
		for _, test := range []struct {
			name string
			run  func(*testing.T, *suite)
			not  Quirk // with which it makes no sense
		}{
			{"traits and facts", testFacts, ""},
			{"output comes through", testOutput, ""},
			{"output comes as it is written", testOutputIsLive, ""},
			{"standard input comes through", testInput, ""},
			{"standard streams can be opened by name", testStreamNames, ""},
			{"those of an own phase cannot", testPrivateStreams, ""},
			{"exit codes come through", testExitCodes, ""},
			{"a phase that cannot start is no exit code", testCannotStart, ""},
			{"the environment is the phase's", testEnvironment, ""},
			{"the user is the phase's", testUserOf, ""},
			{"no privileges", testPrivileges, ""},
			{"no descriptors", testDescriptors, ""},
			{"the builder's files", testBuilderFiles, ""},
			{"the builder's programs run others in terminals", testTerminals, ""},
			{"the root is fresh in every phase", testFreshRoot, ""},
			{"mounts", testMounts, InPlace},
			{"mounts of the host", testHostMounts, InPlace},
			{"mounts of the builder", testBuilderMounts, InPlace},
			{"mounts that cannot be", testBadMounts, ""},
			{"links in the builder lead nowhere", testHostileLinks, InPlace},
			{"volumes persist", testVolumes, ""},
			{"own root", testOwnRoot, ""},
			{"own root keeps the builder out", testOwnRootIsApart, ""},
			{"no network", testNoNetwork, ""},
			{"host network", testHostNetwork, ""},
			{"cancel", testCancel, ""},
			{"cancel a stubborn phase", testCancelStubborn, ""},
			{"nothing outlives a phase", testOrphans, ""},
			{"phases side by side", testSideBySide, ""},
			{"import", testImport, ""},
			{"import of hostile archives", testHostileImport, ""},
			{"export", testExport, ""},
			{"export is confined", testHostileExport, ""},
			{"import and export while a phase runs", testMeanwhile, ""},
			{"secrets stay out of reach", testSecrets, ""},
			{"close", testClose, ""},
			{"close stops phases", testCloseRunning, ""},
			{"layers are read once", testLayersReadOnce, InPlace},
			{"open can be cancelled", testOpenCancelled, ""},
			{"places before their builder", testEarly, ""},
			{"builders that cannot be had, in places before them", testEarlyBroken, ""},
			{"what is hidden", testHidden, InPlace},
			{"places that are left", testLeave, ""},
			{"places that are left after a failure", testLeaveFailed, ""},
		} {
			if test.not != "" && s.has(test.not) {
				continue
			}
			t.Run(test.name, func(t *testing.T) {
				if !s.has(InPlace) {
					t.Parallel()
				}
				test.run(t, s)
			})
		}
	})
	for _, dir := range []string{home, temp} {
		if left := mountsOf(t, dir); len(left) > 0 {
			t.Errorf("mounts are left: %q", left)
		}
	}
	if left := entries(t, temp); len(left) > 0 {
		t.Errorf("the temporary directory still has %v", left)
	}
	if _, err := os.Lstat(outside()); err == nil {
		t.Errorf("something made %s", outside())
	}
}

// suite is what the tests share.
type suite struct {
	engine  lifecycle.Engine
	traits  lifecycle.Traits
	facts   lifecycle.Facts
	home    string
	builder v1.Image
	quirks  []Quirk
}

func (s *suite) has(quirk Quirk) bool { return slices.Contains(s.quirks, quirk) }

// other is where a test may have the volume for state.
func (s *suite) other() string {
	if s.traits.Mounts {
		return "/other"
	}
	return s.facts.Paths.State
}

// place opens a place with all volumes of a plan, which the test's end closes.
func (s *suite) place(t *testing.T) lifecycle.Place {
	t.Helper()
	return s.open(t, lifecycle.PlaceSpec{Builder: s.builder, User: testUser, Volumes: lifecycle.Volumes()})
}

// open opens a place, which the test's end closes.
func (s *suite) open(t *testing.T, spec lifecycle.PlaceSpec) lifecycle.Place {
	t.Helper()
	place, err := s.engine.Open(t.Context(), spec)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := place.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return place
}

// builderPhase is a phase of the builder that runs the probe.
func builderPhase(args ...string) lifecycle.Phase {
	return lifecycle.Phase{
		Name: lifecycle.Detect, Root: lifecycle.BuilderRoot, User: testUser,
		Args: append([]string{toolPath}, args...), Env: []string{"PATH=/usr/bin"},
		Dir: "/", Network: lifecycle.NetworkHost,
	}
}

// ownPhase is a phase of pack-cache's, for which the probe stands in.
func ownPhase(args ...string) lifecycle.Phase {
	return lifecycle.Phase{
		Name: lifecycle.Export, Root: lifecycle.OwnRoot, User: testUser,
		Args: args, Dir: "/", Network: lifecycle.NetworkHost,
	}
}

// with adds mounts to a phase.
func with(phase lifecycle.Phase, mounts ...lifecycle.Mount) lifecycle.Phase {
	phase.Mounts = append(phase.Mounts, mounts...)
	return phase
}

// roots runs a test for phases of both kinds.
func roots(t *testing.T, run func(t *testing.T, phase func(args ...string) lifecycle.Phase)) {
	t.Run("builder", func(t *testing.T) { run(t, builderPhase) })
	t.Run("own", func(t *testing.T) { run(t, ownPhase) })
}

// output runs a phase that has to succeed and returns what it wrote.
func output(t *testing.T, place lifecycle.Place, phase lifecycle.Phase) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if err := place.Run(t.Context(), phase, lifecycle.Streams{Stdout: &stdout, Stderr: &stderr}); err != nil {
		t.Fatalf("%v: %v\n%s", phase.Args, err, stderr.String())
	}
	return stdout.String()
}

// state runs a phase that says how it finds itself.
func state(t *testing.T, place lifecycle.Place, phase lifecycle.Phase) report.State {
	t.Helper()
	return decode[report.State](t, output(t, place, phase))
}

// steps runs a phase that does steps and returns what each gave.
func steps(t *testing.T, place lifecycle.Place, phase lifecycle.Phase) []report.Step {
	t.Helper()
	return decode[[]report.Step](t, output(t, place, phase))
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}

// exitCode returns the exit code in err, or fails.
func exitCode(t *testing.T, err error) int {
	t.Helper()
	exit, ok := errors.AsType[*lifecycle.ExitError](err)
	if !ok {
		t.Fatalf("got %v, not an exit error", err)
	}
	return exit.Code
}

// mountsOf lists the mounts on this machine that have to do with a directory.
func mountsOf(t *testing.T, dir string) []string {
	t.Helper()
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(strings.Split(string(data), "\n"), func(line string) bool {
		return !strings.Contains(line, dir)
	})
}

// entries names what is in a directory.
func entries(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// waitFor reads from r until it has seen a line.
func waitFor(t *testing.T, r io.Reader, line string) {
	t.Helper()
	want := line + "\n"
	got := make([]byte, 0, 64)
	one := make([]byte, 1)
	for !strings.HasSuffix(string(got), want) {
		if _, err := io.ReadFull(r, one); err != nil {
			t.Fatalf("waiting for %q: %v after %q", line, err, got)
		}
		got = append(got, one...)
	}
}

// started runs a phase in the background and returns when it has said "ready".
// Stdin may be nil. The function ends the phase's context; the channel says how Run ended.
func started(t *testing.T, place lifecycle.Place, phase lifecycle.Phase, stdin io.Reader) (context.CancelFunc, <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	read, write := io.Pipe()
	// A test that fails early must not leave a phase that waits for a reader.
	t.Cleanup(func() {
		cancel()
		read.Close()
	})
	ended := make(chan error, 1)
	go func() {
		err := place.Run(ctx, phase, lifecycle.Streams{Stdin: stdin, Stdout: write, Stderr: write})
		write.CloseWithError(io.EOF)
		ended <- err
	}()
	waitFor(t, read, "ready")
	go func() { _, _ = io.Copy(io.Discard, read) }()
	return cancel, ended
}
