package inplace

import (
	"os"
	"slices"
	"strings"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// reachable lists Unix sockets of other programs that u could connect to, such
// as that of a Docker daemon or of an ssh-agent. Landlock covers only those
// without a path, from ABI 6 on; an engine forbids phases to make such sockets
// where there is something to be reached.
func reachable(u lifecycle.User, abi int) []string {
	var found []string
	data, _ := os.ReadFile("/proc/net/unix") // sockets of this network
	paths, _ := mountPoints()                // and of others, mounted here
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) == 8 {
			paths = append(paths, fields[7])
		}
	}
	for _, path := range paths {
		if strings.HasPrefix(path, "@") && abi < confine.LandlockScope || connectable(path, u) {
			found = append(found, path)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// connectable tells whether there is a socket at path that u may write to.
func connectable(path string, u lifecycle.User) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&os.ModeSocket != 0 && permits(info, u, 0o2)
}

// permits tells whether u has a right to a file, one of 4, 2 and 1, or might have
// it by way of another group.
func permits(info os.FileInfo, u lifecycle.User, right os.FileMode) bool {
	owner := ownerOf(info)
	switch mode := info.Mode().Perm(); {
	case mode&right != 0:
		return true
	case owner.UID == u.UID:
		return true // who may give the right to itself
	default:
		groups, _ := os.Getgroups() // an ordinary user cannot drop them
		return mode&(right<<3) != 0 && (owner.GID == u.GID || os.Geteuid() != 0 && slices.Contains(groups, owner.GID))
	}
}
