package acceptance

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pack-cache/pack-cache/internal/test/testdocker"
	"github.com/pack-cache/pack-cache/internal/test/testfaults"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// longPhases have restore and export take long enough to be killed in the middle:
// the registry takes its time over a layer of the cache, and over the image.
var longPhases = []testfaults.Rule{
	{Method: http.MethodGet, Path: regexp.MustCompile("/cache-.*/blobs/"), Delay: 5 * time.Second, Times: 5},
	{Method: http.MethodPut, Path: regexp.MustCompile("/v2/(export|docker|inplace)[^/]*/manifests/"), Delay: 5 * time.Second, Times: 1},
}

// TestPhaseDies kills own phases of a build as the kernel does when memory runs
// out. Restore costs the cache, saving costs what would have been saved, and
// neither costs the app image.
func TestPhaseDies(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	m := newMachine(t)
	for _, test := range []struct {
		phase    string
		required bool
		code     int
		says     []string
	}{
		{"restore", false, 0, []string{"the restore phase was killed: the build goes on without a cache", "is not used: the restore phase was killed", "only-cache: new"}},
		{"restore", true, 1, []string{"could not be read: the restore phase was killed", "leave out --cache-required"}},
		{"export", false, 0, []string{"the app image is exported again", "was not saved: the export phase was killed"}},
		{"export", true, 3, []string{"the image was built, but the cache was not saved"}},
	} {
		name := fmt.Sprintf("%s-%t", test.phase, test.required)
		t.Run(name, func(t *testing.T) {
			app := newApp(t, nil, nil)
			slow := testfaults.New(t, reg.Addr)
			args := []string{"build", slow.Addr + "/" + name, "--builder", builder, "--trust-builder", "--path", app.dir, "--publish", "--cache-image", slow.Addr + "/cache-" + name}
			m.run(args...).wantCode(t, 0)
			if test.required {
				args = append(args, "--cache-required")
			}
			slow.Set(longPhases...)
			r := m.start(args...)
			r.await("the phase "+test.phase, func() bool { return killPhase(r.cmd.Process.Pid, test.phase) })
			out := r.wait()
			out.wantCode(t, test.code)
			out.wantStderr(t, test.says...)
			slow.Set()
			if test.code != 1 {
				reg.image(t, reg.ref(name))
			}
			m.run(args...).wantCode(t, 0)
		})
	}
}

// TestPhaseDiesElsewhere kills the restore phase in a container of a daemon, and
// in the container that pack-cache itself is in.
func TestPhaseDiesElsewhere(t *testing.T) {
	t.Parallel()
	reg := newRegistry(t, testregistry.Options{})
	builder := reg.tiny(t, nil)
	// place is a directory that the phase has mounts from, and no other build's.
	dies := func(t *testing.T, name, place string, m *machine) {
		app := newApp(t, nil, nil)
		slow := testfaults.New(t, reg.Addr)
		args := []string{"build", reg.ref(name), "--builder", builder, "--trust-builder", "--path", app.dir, "--publish", "--cache-image", slow.Addr + "/cache-" + name}
		m.run(args...).wantCode(t, 0)
		slow.Set(longPhases...)
		r := m.start(args...)
		r.await("the phase restore", func() bool { return killPhaseIn(place, "restore") })
		out := r.wait()
		out.wantCode(t, 0)
		out.wantStderr(t, "the restore phase was killed: the build goes on without a cache", "is not used: the restore phase was killed", "only-cache: new")
		reg.image(t, args[1])
		slow.Set()
		m.run(args...).wantCode(t, 0)
	}
	t.Run("docker", func(t *testing.T) {
		on := ground{"docker", testdocker.New(t, testdocker.Options{})}
		dies(t, "docker", on.daemon.Dir, on.machine(t))
		if left := on.left(t); len(left) > 0 {
			t.Errorf("%v is left", left)
		}
	})
	t.Run("inplace", func(t *testing.T) {
		m := confinements(t, builder, reg)["inplace as root"].machine(t)
		dies(t, "inplace", m.home, m)
	})
}

// killPhaseIn kills the process of an own phase that has a mount from a directory,
// if there is one.
func killPhaseIn(place, phase string) bool {
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range commands {
		command, _ := os.ReadFile(path) // what cannot be read has ended
		mounts, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "mountinfo"))
		if bytes.Contains(command, []byte("phase\x00"+phase)) && bytes.Contains(mounts, []byte(place)) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			return syscall.Kill(pid, syscall.SIGKILL) == nil
		}
	}
	return false
}

// killPhase kills the process of an own phase below a process, if there is one.
func killPhase(above int, phase string) bool {
	for pid := range descendants(above) {
		command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && bytes.Contains(command, []byte("phase\x00"+phase)) {
			return syscall.Kill(pid, syscall.SIGKILL) == nil
		}
	}
	return false
}

// descendants are the processes below one.
func descendants(above int) map[int]bool {
	parents := map[int]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		parents[pid], _ = strconv.Atoi(fields[1])
	}
	below := map[int]bool{}
	for pid := range parents {
		for at := parents[pid]; at > 1; at = parents[at] {
			if at == above {
				below[pid] = true
			}
		}
	}
	return below
}
