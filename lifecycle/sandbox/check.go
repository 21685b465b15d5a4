package sandbox

import (
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/pack-cache/pack-cache/lifecycle"
)

// checkUser tells whether phases can run as u.
func (h *host) checkUser(u lifecycle.User) error {
	if u.UID <= 0 || u.GID < 0 {
		// Root without capabilities still owns the kernel's settings.
		return fmt.Errorf("user %d:%d: phases run as an ordinary user (CNB Platform specification, \"Build Image\")", u.UID, u.GID)
	}
	if !h.identity.contains(u) {
		return withHint(fmt.Errorf("user %d:%d is not among the ids that this user may use", u.UID, u.GID),
			"give the user 65536 ids in /etc/subuid and /etc/subgid")
	}
	return nil
}

// check finds what a phase must not be, before anything is started.
func (p *place) check(phase lifecycle.Phase) error {
	switch {
	case phase.Root != lifecycle.BuilderRoot && phase.Root != lifecycle.OwnRoot:
		return fmt.Errorf("unknown root %q", phase.Root)
	case phase.Network != lifecycle.NetworkHost && phase.Network != lifecycle.NetworkNone:
		return fmt.Errorf("unknown network %q", phase.Network)
	case phase.Root == lifecycle.BuilderRoot && len(phase.Args) == 0:
		return errors.New("nothing to run")
	}
	for _, m := range phase.Mounts {
		if err := p.checkMount(m); err != nil {
			return fmt.Errorf("mount of %s: %w", m.Target, err)
		}
	}
	return p.host.checkUser(phase.User)
}

func (p *place) checkMount(m lifecycle.Mount) error {
	sources := slices.DeleteFunc([]string{m.Volume, m.Builder, m.Host}, func(s string) bool { return s == "" })
	switch {
	case len(sources) != 1:
		return fmt.Errorf("needs one source, not %d", len(sources))
	case !path.IsAbs(m.Target) || path.Clean(m.Target) == "/":
		return errors.New("the target has to be an absolute path below the root")
	case m.Volume != "" && !p.volumes[m.Volume]:
		return fmt.Errorf("no volume %q", m.Volume)
	case m.Host != "" && !path.IsAbs(m.Host):
		return fmt.Errorf("%s is not an absolute path", m.Host)
	}
	return nil
}
