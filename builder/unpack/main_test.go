package unpack

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// roleVariable makes the test binary play a role in a process of its own.
const roleVariable = "UNPACK_TEST_ROLE"

// roles get their input as JSON on standard input and print their result.
var roles = map[string]func(*json.Decoder) error{
	"mount":   mountRole,
	"fill":    fillRole,
	"no room": noRoomRole,
}

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := roles[role](json.NewDecoder(os.Stdin)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// roleCommand prepares a process that plays a role.
func roleCommand(t *testing.T, role string, input any) *exec.Cmd {
	t.Helper()
	b, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stdin = strings.NewReader(string(b))
	return cmd
}

// play plays a role to its end and returns what it printed.
func play(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("role: %v: %s", err, stderr.String())
	}
	return string(out)
}

// ownMounts gives a process a mount namespace in which it may mount; as root of
// a user namespace if user is set.
func ownMounts(user bool) *syscall.SysProcAttr {
	if !user {
		return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	}
	return &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
}

// TestAsOrdinaryUser runs the whole suite as a user without any rights. When
// the suite is run by such a user, there is nothing more to do.
func TestAsOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		return
	}
	const nobody = 65534
	home, err := os.MkdirTemp("", "unpack-user-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeAll(home) })
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	// The test binary lies where only root can reach it.
	binary := filepath.Join(home, "unpack.test")
	b, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, b, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Dir = home
	cmd.Env = append(os.Environ(), "HOME="+home, "TMPDIR="+home)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "PASS\n") {
		t.Errorf("%v:\n%s", err, out)
	}
}
