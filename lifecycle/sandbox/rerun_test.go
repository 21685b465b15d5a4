package sandbox

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/test/testneeds"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
)

// rerunEnv tells a test process what it is run again for.
const rerunEnv = "PACK_CACHE_SANDBOX_RERUN"

// What prepare does in a process that is run again.
const (
	rerunPlain   = "plain"
	rerunOverlay = "overlay"  // HOME and TMPDIR are on an overlay file system
	rerunNoPivot = "no pivot" // pivot_root is forbidden
	rerunRange   = "range"    // root uses a user namespace all the same
	rerunVictim  = "victim"   // see TestKilled
)

// circumstances are those under which tests are run again.
type circumstances struct {
	kind       string
	uid, gid   int
	namespaces uintptr
	env        []string
}

// rerun runs tests of this test binary again under other circumstances, with
// nothing of this process' environment. At least one test has to match pattern.
func rerun(t *testing.T, c circumstances, pattern string) {
	t.Helper()
	cmd := rerunCommand(t, c, enginetest.Rerun(pattern)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s as %d:%d: %v\n%s", pattern, c.uid, c.gid, err, enginetest.Failures(out))
	}
	if !strings.Contains(string(out), "--- PASS") {
		t.Errorf("%s as %d:%d ran nothing:\n%s", pattern, c.uid, c.gid, out)
	}
	if left := entries(t, filepath.Join(cmd.Dir, "tmp")); len(left) > 0 {
		t.Errorf("the temporary directory still has %v", left)
	}
	if testing.Verbose() {
		t.Logf("%s", out)
	}
}

func rerunCommand(t *testing.T, c circumstances, args ...string) *exec.Cmd {
	t.Helper()
	dir := publicDir(t)
	program := copyFile(t, "/proc/self/exe", filepath.Join(dir, "sandbox.test"))
	probe := copyFile(t, enginetest.Program(t), filepath.Join(dir, "probe"))
	own := filepath.Join(dir, "own")
	for _, path := range []string{own, filepath.Join(own, "home"), filepath.Join(own, "tmp")} {
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, c.uid, c.gid); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, args...)
	cmd.Dir = own
	cmd.Env = append([]string{
		"PATH=/usr/bin:/bin", "HOME=" + own + "/home", "TMPDIR=" + own + "/tmp",
		enginetest.ProgramEnv + "=" + probe, rerunEnv + "=" + c.kind,
	}, c.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig:  syscall.SIGKILL,
		Cloneflags: c.namespaces,
	}
	if c.uid != os.Geteuid() {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(c.uid), Gid: uint32(c.gid), Groups: []uint32{}}
	}
	return cmd
}

// prepare brings about the circumstances that a process cannot be started in.
func prepare() error {
	switch os.Getenv(rerunEnv) {
	case rerunOverlay:
		return moveToOverlay()
	case rerunNoPivot:
		return forbid(unix.SYS_PIVOT_ROOT)
	case rerunVictim:
		return beVictim()
	}
	return nil
}

// moveToOverlay mounts an overlay, with everything in memory, over the working
// directory. The process has a mount namespace of its own.
func moveToOverlay() error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
		return err
	}
	for _, sub := range []string{"lower", "upper", "work"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	options := fmt.Sprintf("lowerdir=%[1]s/lower,upperdir=%[1]s/upper,workdir=%[1]s/work", dir)
	if err := unix.Mount("overlay", dir, "overlay", 0, options); err != nil {
		return err
	}
	for _, sub := range []string{"home", "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	return os.Chdir(dir)
}

// forbid denies a system call to all threads and children of this process, as a
// container engine does.
func forbid(number uint32) error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: number, Jt: 0, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return errno
	}
	return nil
}

// publicDir makes a directory that every user can enter.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pack-cache-sandbox-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// copyFile copies a program to where every user can execute it.
func copyFile(t *testing.T, from, to string) string {
	t.Helper()
	source, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(target, source); err != nil {
		t.Fatal(err)
	}
	if err := target.Close(); err != nil {
		t.Fatal(err)
	}
	return to
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// subidUser is the account that tests with subordinate ids run as.
const subidUser = "pctest"

// subidAccount returns the ids of subidUser. Where it is missing, the test is
// skipped on a developer's machine, and fails in CI.
func subidAccount(t *testing.T) (uid, gid int) {
	t.Helper()
	for _, program := range []string{"newuidmap", "newgidmap"} {
		if _, err := exec.LookPath(program); err != nil {
			testneeds.Missing(t, "%s is missing: apt-get install -y uidmap", program)
		}
	}
	account, err := user.Lookup(subidUser)
	if err != nil {
		testneeds.Missing(t, "%v: useradd --create-home --uid 4343 %s", err, subidUser)
	}
	uid, _ = strconv.Atoi(account.Uid)
	gid, _ = strconv.Atoi(account.Gid)
	for _, file := range []string{"/etc/subuid", "/etc/subgid"} {
		if !hasSubids(file, account) {
			testneeds.Missing(t, "%s has no entry for %s: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %[2]s", file, subidUser)
		}
	}
	return uid, gid
}
