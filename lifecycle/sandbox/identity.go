package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"

	subids "github.com/moby/sys/user"
	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// Ways to become the users of a builder image.
const (
	// asRoot uses the machine's ids as they are, without a user namespace.
	asRoot = "root"
	// asRange is for a root that may not mount outside a user namespace (in a
	// container): all ids that it has are mapped onto themselves.
	asRange = "range"
	// asSubids maps an ordinary user to 0 and its subordinate ids to the rest.
	asSubids = "subids"
	// asSingle maps this user's one id to the id that a phase runs as.
	asSingle = "single"
)

// identity says how ids inside a phase become ids of the machine.
type identity struct {
	Kind string `json:"kind"`
	// UIDs and GIDs are the maps, except for asRoot and asSingle.
	UIDs []extent `json:"uids,omitempty"`
	GIDs []extent `json:"gids,omitempty"`
}

// extent is a line of a user namespace's id map.
type extent struct {
	Inside, Outside, Count int
}

// userNS tells whether the identity needs a user namespace.
func (id identity) userNS() bool { return id.Kind != asRoot }

// canSetGroups tells whether supplementary groups can be dropped. In a map of
// one id the kernel forbids it: groups may also take rights away.
func (id identity) canSetGroups() bool { return id.Kind != asSingle }

// contains tells whether a phase can run as u.
func (id identity) contains(u lifecycle.User) bool {
	if id.Kind == asRoot || id.Kind == asSingle {
		return true
	}
	return within(id.UIDs, u.UID) && within(id.GIDs, u.GID)
}

func within(extents []extent, id int) bool {
	return slices.ContainsFunc(extents, func(e extent) bool {
		return id >= e.Inside && id-e.Inside < e.Count
	})
}

// maps returns the id maps of a namespace for processes of u.
func (id identity) maps(u lifecycle.User) (uids, gids []extent) {
	if id.Kind == asSingle {
		return []extent{{u.UID, os.Geteuid(), 1}}, []extent{{u.GID, os.Getegid(), 1}}
	}
	return id.UIDs, id.GIDs
}

// apply writes the maps of the user namespace that process pid has just made
// and waits in. The process has executed a program since, so its files in /proc
// belong to this user even where this process is not dumpable.
func (id identity) apply(pid int, u lifecycle.User) error {
	if !id.userNS() {
		return nil
	}
	uids, gids := id.maps(u)
	if id.Kind == asSubids {
		if err := newIDMap("newuidmap", pid, uids); err != nil {
			return err
		}
		return newIDMap("newgidmap", pid, gids)
	}
	if id.Kind == asSingle {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/setgroups", pid), []byte("deny"), 0); err != nil {
			return fmt.Errorf("user namespace: %w", err)
		}
	}
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/uid_map", pid), []byte(lines(uids)), 0); err != nil {
		return fmt.Errorf("user namespace: %w", err)
	}
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/gid_map", pid), []byte(lines(gids)), 0); err != nil {
		return fmt.Errorf("user namespace: %w", err)
	}
	return nil
}

func lines(extents []extent) string {
	var b strings.Builder
	for _, e := range extents {
		fmt.Fprintf(&b, "%d %d %d\n", e.Inside, e.Outside, e.Count)
	}
	return b.String()
}

// newIDMap lets the setuid helper of shadow-utils write a map.
func newIDMap(program string, pid int, extents []extent) error {
	args := []string{strconv.Itoa(pid)}
	for _, e := range extents {
		args = append(args, strconv.Itoa(e.Inside), strconv.Itoa(e.Outside), strconv.Itoa(e.Count))
	}
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// candidates lists the identities to try, the best first, and says why better
// ones are not among them.
func candidates() (ids []identity, reasons []string) {
	if os.Geteuid() == 0 {
		if confine.HasCapability(unix.CAP_SYS_ADMIN) {
			ids = append(ids, identity{Kind: asRoot})
		} else {
			reasons = append(reasons, "root lacks CAP_SYS_ADMIN")
		}
		uids, uidErr := ownIDs("/proc/self/uid_map")
		gids, gidErr := ownIDs("/proc/self/gid_map")
		if uidErr == nil && gidErr == nil {
			ids = append(ids, identity{Kind: asRange, UIDs: uids, GIDs: gids})
		}
	} else if id, err := subordinate(); err == nil {
		ids = append(ids, id)
	} else {
		reasons = append(reasons, err.Error())
	}
	return append(ids, identity{Kind: asSingle}), reasons
}

// ownIDs maps every id of this process' own user namespace onto itself.
func ownIDs(path string) ([]extent, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var extents []extent
	for line := range strings.Lines(string(data)) {
		var inside, outside, count int
		if _, err := fmt.Sscan(line, &inside, &outside, &count); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		extents = append(extents, extent{inside, inside, count})
	}
	return extents, nil
}

// subordinate is the identity of an ordinary user with entries in /etc/subuid
// and /etc/subgid.
func subordinate() (identity, error) {
	for _, program := range []string{"newuidmap", "newgidmap"} {
		if _, err := exec.LookPath(program); err != nil {
			return identity{}, fmt.Errorf("no subordinate ids: %s is not installed", program)
		}
	}
	uids, err := subordinateIDs("/etc/subuid", os.Geteuid())
	if err != nil {
		return identity{}, err
	}
	gids, err := subordinateIDs("/etc/subgid", os.Getegid())
	if err != nil {
		return identity{}, err
	}
	return identity{Kind: asSubids, UIDs: uids, GIDs: gids}, nil
}

// subordinateIDs maps 0 to own and the ids from 1 on to what file, which names
// users by name or number, gives to the current user.
func subordinateIDs(file string, own int) ([]extent, error) {
	names := []string{strconv.Itoa(os.Geteuid())}
	if u, err := user.LookupId(names[0]); err == nil {
		names = append(names, u.Username)
	}
	ranges, err := subids.ParseSubIDFileFilter(file, func(s subids.SubID) bool {
		return slices.Contains(names, s.Name) && s.Count > 0
	})
	if err != nil {
		return nil, fmt.Errorf("no subordinate ids: %w", err)
	}
	if len(ranges) == 0 {
		return nil, fmt.Errorf("no subordinate ids: %s has no entry for user %s", file, names[len(names)-1])
	}
	extents := []extent{{0, own, 1}}
	next := 1
	for _, r := range ranges {
		extents = append(extents, extent{next, int(r.SubID), int(r.Count)})
		next += int(r.Count)
	}
	return extents, nil
}
