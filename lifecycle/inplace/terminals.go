package inplace

import (
	"os"
	"path/filepath"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// Where programs ask for pseudo-terminals, and where these are then.
const (
	terminalMaker = "/dev/ptmx"
	terminalsDir  = "/dev/pts"
)

// terminals lists pseudo-terminals of other programs of this container that u
// could read from or write to, such as the one of `docker run --tty`.
func terminals(u lifecycle.User) []string {
	var found []string
	entries, _ := os.ReadDir(terminalsDir)
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || entry.Name() == filepath.Base(terminalMaker) {
			continue
		}
		if permits(info, u, 0o4) || permits(info, u, 0o2) {
			found = append(found, filepath.Join(terminalsDir, entry.Name()))
		}
	}
	return found
}

// terminalRules lets a phase make pseudo-terminals: Paketo's buildpacks run Maven
// and the like in one. Landlock cannot tell a phase's own from those of others, so
// while there are such, a phase gets none.
func (p *place) terminalRules() []confine.Rule {
	if len(terminals(p.user)) > 0 {
		return nil
	}
	const all = confine.Read | confine.Write | confine.Ioctl
	return existing([]confine.Rule{{Path: terminalMaker, Access: all}, {Path: terminalsDir, Access: all}})
}
