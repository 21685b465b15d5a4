package inplace

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/internal/test/testneeds"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

// TestTerminals holds that phases do not reach the terminal of another program of
// the container: one of their own user keeps them from having any.
func TestTerminals(t *testing.T) {
	if os.Getenv(rerunEnv) == "" {
		t.Parallel()
		if _, err := confine.LandlockABI(); err != nil {
			testneeds.Missing(t, "landlock: %v", err)
		}
		for _, as := range []string{asRoot, asUser} {
			t.Run(as, func(t *testing.T) { rerun(t, "inplace", as, enginetest.Builder(t), "^TestTerminals$") })
		}
		return
	}
	user := lifecycle.User{UID: testUID, GID: testGID}
	others, name := openTerminal(t)
	said := &warnings{Reporter: progress.Discard}
	place, err := New(Config{Executable: enginetest.Program(t)}).Open(t.Context(), lifecycle.PlaceSpec{
		Builder: empty.Image, User: user, Volumes: lifecycle.Volumes(), Progress: said,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer place.Close()
	steps := func() []report.Step {
		return ask[[]report.Step](t, place, lifecycle.Phase{
			Name: lifecycle.Build, Root: lifecycle.BuilderRoot, User: user, Dir: "/", Network: lifecycle.NetworkHost,
			Args: []string{"/cnb/lifecycle/tool", "do", "append:" + name + "=x", "terminal:=x"},
		})
	}
	sameUser := os.Geteuid() != 0
	got := steps()
	if got[0].Err == "" {
		t.Errorf("a phase can write to %s", name)
	}
	if got[1].Err == "" == sameUser {
		t.Errorf("a terminal of a phase while there is one of user %d: %q", os.Geteuid(), got[1].Err)
	}
	if told := strings.Contains(said.text.String(), name); told != sameUser {
		t.Errorf("the user is told %q", said.text.String())
	}
	if err := others.Close(); err != nil {
		t.Fatal(err)
	}
	if got := steps(); got[1].Err != "" {
		t.Errorf("a terminal of a phase when there is no other: %s", got[1].Err)
	}
}

// openTerminal makes a pseudo-terminal, and returns its name.
func openTerminal(t *testing.T) (master *os.File, name string) {
	t.Helper()
	master, err := os.OpenFile(terminalMaker, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	return master, fmt.Sprint(terminalsDir, "/", number)
}
