package enginetest

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

// Ways are the ways that an attack tries, all of which it has to try.
var Ways = []string{
	"environment", "processes", "memory", "process_vm_readv", "ptrace", "descriptors", "pidfd_getfd", "signals", "keyrings",
	"shared memory", "message queues", "named message queues", "names of files", "opened files", "performance events",
	"queues of system calls", "page faults", "sockets", "abstract sockets", "files", "kernel", "plants", "metadata services",
	"processes of before",
}

// closed are the errors by which a kernel may close a way for a phase altogether,
// so that the phase could not even find what it has hidden itself.
var closed = []string{"EPERM", "EACCES", "ENOSYS"}

// open are ways that a phase needs for itself: an attack that says that it could
// not find what it has hidden there is broken.
var open = []string{"environment", "processes", "memory", "descriptors", "signals", "names of files", "files", "plants", "metadata services", "processes of before"}

// Orders are those of an attack that looks for secrets.
func Orders(secrets ...string) report.Orders {
	var orders report.Orders
	for _, secret := range secrets {
		orders.Secrets = append(orders.Secrets, hex.EncodeToString([]byte(secret)))
	}
	return orders
}

// CheckAttack fails for everything that an attack has found, unless except says
// that it is known, and for every way that it has not tried.
func CheckAttack(t *testing.T, a report.Attack, except func(report.Finding) bool) {
	t.Helper()
	for _, found := range a.Findings {
		if except == nil || !except(found) {
			t.Errorf("%s: found in %s: %s", a.Phase, found.Where, found.What)
		}
	}
	for _, way := range Ways {
		tried, ok := a.Tried[way]
		switch {
		case !ok || tried.Looked == 0:
			t.Errorf("%s: %s was not tried", a.Phase, way)
		case tried.Control == report.Found:
		case slices.Contains(open, way) || !slices.Contains(closed, tried.Control):
			t.Errorf("%s: what was hidden for %s was not found: %q", a.Phase, way, tried.Control)
		}
	}
	for way := range maps.Keys(a.Tried) {
		if !slices.Contains(Ways, way) {
			t.Errorf("unknown way %s", way)
		}
	}
}

// Excepted says what an attack may find on this machine: what Landlock closes
// only where it knows scopes.
func Excepted() func(report.Finding) bool {
	if abi, err := confine.LandlockABI(); err == nil && abi >= confine.LandlockScope {
		return nil
	}
	return func(found report.Finding) bool {
		return strings.HasPrefix(found.Where, "signals: ") || strings.HasPrefix(found.Where, "abstract sockets: ")
	}
}
