package sandbox

import (
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strings"
	"testing"

	subids "github.com/moby/sys/user"
	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest"
)

// TestContract runs the suite with every identity that this user normally has.
// The others are reached by running this test again.
func TestContract(t *testing.T) {
	ids, reasons := candidates()
	if os.Geteuid() == 0 {
		usual := asRoot
		if os.Getenv(rerunEnv) == rerunRange {
			usual = asRange
		}
		ids = slices.DeleteFunc(ids, func(id identity) bool { return id.Kind != usual })
	}
	if len(ids) == 0 {
		t.Fatalf("no identity: %v", reasons)
	}
	for _, id := range ids {
		t.Run(id.Kind, func(t *testing.T) { contract(t, id) })
	}
	for _, reason := range reasons {
		t.Log(reason)
	}
}

// contract runs the suite with one identity.
func contract(t *testing.T, id identity) {
	enginetest.Run(t, func(t *testing.T) lifecycle.Engine {
		e := New(Config{Executable: enginetest.Program(t)})
		e.candidates = func() ([]identity, []string) { return []identity{id}, nil }
		return e
	})
}

func TestContractOfOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("TestContract has done it")
	}
	t.Run("one id", func(t *testing.T) {
		rerun(t, circumstances{kind: rerunPlain, uid: 4242, gid: 4242}, "^TestContract$/^single$")
	})
	t.Run("subordinate ids", func(t *testing.T) {
		uid, gid := subidAccount(t)
		rerun(t, circumstances{kind: rerunPlain, uid: uid, gid: gid}, "^TestContract$/^subids$")
	})
}

// TestContractInContainers has the restrictions of containers: their root is an
// overlay, and may not do everything.
func TestContractInContainers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to make such a place")
	}
	t.Run("on an overlay", func(t *testing.T) {
		const about = "(files|fresh|mounts|links|volumes|close|own)"
		rerun(t, circumstances{kind: rerunOverlay, namespaces: unix.CLONE_NEWNS}, "^(TestContract|TestSupport)$/^(root)?$/^(phases)?$/"+about)
	})
	t.Run("without pivot_root", func(t *testing.T) {
		rerun(t, circumstances{kind: rerunNoPivot}, "^TestContract$/^root$/^phases$/(root|links|mounts|secrets)")
	})
	t.Run("root in a user namespace", func(t *testing.T) {
		rerun(t, circumstances{kind: rerunRange}, "^TestContract$/^range$/^phases$/(user|privileges|files|fresh|volumes|import|export|close)")
	})
}

// TestSupport makes sure that an overlay is not taken for a file system that
// can hold another one's layers and changes.
func TestSupport(t *testing.T) {
	e := New(Config{StoreDir: t.TempDir(), WorkDir: t.TempDir()})
	h, err := e.ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := support{Layers: true, Upper: true}
	if os.Getenv(rerunEnv) == rerunOverlay {
		want = support{}
	}
	if h.support != want {
		t.Errorf("support %+v, want %+v", h.support, want)
	}
}

// hasSubids tells whether file gives ids to an account.
func hasSubids(file string, account *user.User) bool {
	ranges, err := subids.ParseSubIDFileFilter(file, func(s subids.SubID) bool {
		return s.Name == account.Username || s.Name == account.Uid
	})
	return err == nil && len(ranges) > 0
}

// TestSubordinate makes sure that a user who has subordinate ids uses them.
func TestSubordinate(t *testing.T) {
	if os.Geteuid() == 0 {
		uid, gid := subidAccount(t)
		rerun(t, circumstances{kind: rerunPlain, uid: uid, gid: gid}, "^TestSubordinate$")
		return
	}
	account, err := user.Current()
	if err != nil || !hasSubids("/etc/subuid", account) {
		t.Skip("this user has no subordinate ids")
	}
	if _, err := exec.LookPath("newuidmap"); err != nil {
		t.Skip(err)
	}
	ids, _ := candidates()
	var kinds []string
	for _, id := range ids {
		kinds = append(kinds, id.Kind)
	}
	if got := strings.Join(kinds, " "); got != "subids single" {
		t.Errorf("candidates %s", got)
	}
	if !ids[0].contains(lifecycle.User{UID: 1001, GID: 1000}) || ids[0].contains(lifecycle.User{UID: 1 << 30, GID: 1}) {
		t.Errorf("the ids %+v", ids[0])
	}
}
