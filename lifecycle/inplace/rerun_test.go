package inplace

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/builder/unpack"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
	"github.com/pack-cache/pack-cache/lifecycle/inplace/takeoverimage"
)

// Variables that tell a test process what it is run again for.
const (
	rerunEnv = "PACK_CACHE_INPLACE_ENGINE" // the engine; "" in the first process
	asEnv    = "PACK_CACHE_INPLACE_AS"     // whom it runs as
	rootEnv  = "PACK_CACHE_INPLACE_ROOT"   // the root to be entered, "" inside
)

// Whom tests run as inside.
const (
	asRoot = "root"
	asUser = "build user"
)

// tempOf is where tests inside may write, other than /tmp.
var tempOf = map[string]string{"inplace": "/var/tmp", "takeover": takeoverimage.WorkDir}

// The build user of the suite.
const testUID, testGID = 1001, 1002

func TestMain(m *testing.M) {
	Child()
	if root := os.Getenv(rootEnv); root != "" {
		fmt.Fprintln(os.Stderr, enter(root))
		os.Exit(1)
	}
	if err := confine.Protect(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// rerun runs tests of this test binary again inside an image, with the rights
// that processes of containers have.
func rerun(t *testing.T, engine, as string, img v1.Image, pattern string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to make something like a container")
	}
	root := t.TempDir()
	for dir := root; dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	fill(t, root, img)
	if engine == "inplace" {
		vartmp := filepath.Join(root, "var/tmp")
		if err := errors.Join(
			os.MkdirAll(vartmp, 0o755), os.Chmod(vartmp, 0o777|os.ModeSticky),
			os.WriteFile(filepath.Join(root, detectorPath), nil, 0o644),
		); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("/proc/self/exe", enginetest.Rerun(pattern)...)
	cmd.Env = []string{
		"PATH=/usr/bin", "TMPDIR=" + tempOf[engine], enginetest.ProgramEnv + "=/.test/probe",
		rerunEnv + "=" + engine, asEnv + "=" + as, rootEnv + "=" + root,
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS") {
		t.Fatalf("%s as %s: %v\n%s", pattern, as, err, enginetest.Failures(out))
	}
	if testing.Verbose() {
		t.Logf("%s", out)
	}
}

// fill makes a root of an image, with what the tests need.
func fill(t *testing.T, root string, img v1.Image) {
	t.Helper()
	at := func(path string) string { return filepath.Join(root, path) }
	for path, mode := range map[string]os.FileMode{
		"layers": 0o755, "workspace": 0o755, "tmp": 0o777 | os.ModeSticky, "etc": 0o755,
		"dev": 0o755, "proc": 0o755, "sys": 0o755, "usr": 0o755, "usr/lib": 0o755, "usr/lib64": 0o755, ".test": 0o755,
	} {
		if err := errors.Join(os.MkdirAll(at(path), 0o755), os.Chmod(at(path), mode)); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"layers", "workspace"} {
		if err := os.Chown(at(dir), testUID, testGID); err != nil {
			t.Fatal(err)
		}
	}
	// The hostile links of the suite's builder are tried by the other engines:
	// here they would be the machine's own.
	keep := []string{"/layers", "/workspace", "/tmp", "/var", "/platform", "/etc/hosts", "/etc/resolv.conf", "/state"}
	if err := unpack.Onto(t.Context(), img, root, unpack.OntoOptions{Keep: keep}, nil); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"lib", "lib64"} { // for a test that is linked with a C library
		if err := os.Symlink("usr/"+link, at(link)); err != nil && !errors.Is(err, fs.ErrExist) {
			t.Fatal(err)
		}
	}
	hostname, err := os.Hostname()
	if err == nil {
		err = os.WriteFile(at("etc/hosts"), []byte("127.0.0.1 localhost "+hostname+"\n"), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, "/proc/self/exe", at(".test/test"))
	copyFile(t, enginetest.Program(t), at(".test/probe"))
}

// enter makes a directory the root of this process, which is the first of its
// own namespaces, gives up what a container does not have, and starts over.
func enter(root string) error {
	type mount struct {
		source, target, kind string
		flags                uintptr
		data                 string
	}
	for _, m := range []mount{
		{"", "/", "", unix.MS_REC | unix.MS_PRIVATE, ""},
		{"/usr/lib", root + "/usr/lib", "", unix.MS_BIND, ""},
		{"/usr/lib64", root + "/usr/lib64", "", unix.MS_BIND, ""},
		{"proc", root + "/proc", "proc", 0, ""},
		{"/sys", root + "/sys", "", unix.MS_BIND, ""},
		{"", root + "/sys", "", unix.MS_BIND | unix.MS_REMOUNT | unix.MS_RDONLY, ""},
		{"/dev", root + "/dev", "", unix.MS_BIND, ""},
		{"tmpfs", root + "/dev/shm", "tmpfs", 0, ""},
		{"devpts", root + "/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=0620"},
	} {
		if err := unix.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil && m.source != "/usr/lib64" {
			return fmt.Errorf("mount on %s: %w", m.target, err)
		}
	}
	if err := errors.Join(unix.Chroot(root), os.Chdir("/")); err != nil {
		return err
	}
	if err := limit(os.Getenv(asEnv)); err != nil {
		return err
	}
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, rootEnv+"=") })
	return unix.Exec("/.test/test", os.Args, env)
}

// containerCapabilities are those that a container's root has by default.
var containerCapabilities = []uintptr{
	unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FSETID, unix.CAP_FOWNER, unix.CAP_MKNOD, unix.CAP_NET_RAW, unix.CAP_SETGID,
	unix.CAP_SETUID, unix.CAP_SETFCAP, unix.CAP_SETPCAP, unix.CAP_NET_BIND_SERVICE, unix.CAP_SYS_CHROOT, unix.CAP_KILL, unix.CAP_AUDIT_WRITE,
}

// limit gives up what a container does not have.
func limit(as string) error {
	for capability := range uintptr(unix.CAP_LAST_CAP + 1) {
		keeps := false
		for _, kept := range containerCapabilities {
			keeps = keeps || kept == capability
		}
		if keeps {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0); err != nil {
			return err
		}
	}
	if as != asUser {
		return nil
	}
	return errors.Join(syscall.Setgroups(nil), syscall.Setgid(testGID), syscall.Setuid(testUID),
		unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
}

func copyFile(t *testing.T, from, to string) {
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
}
