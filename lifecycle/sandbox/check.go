package sandbox

import (
	"fmt"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// checkUser tells whether phases can run as u.
func (h *host) checkUser(u lifecycle.User) error {
	if err := u.Check(); err != nil {
		return err
	}
	if !h.identity.contains(u) {
		return confine.WithHint(fmt.Errorf("user %d:%d is not among the ids that this user may use", u.UID, u.GID),
			"give the user 65536 ids in /etc/subuid and /etc/subgid")
	}
	return nil
}

// check finds what a phase must not be, before anything is started.
func (p *place) check(phase lifecycle.Phase) error {
	names := map[string]bool{}
	for name := range p.volumes {
		names[name] = true
	}
	if err := phase.Check(names); err != nil {
		return err
	}
	return p.host.checkUser(phase.User)
}
