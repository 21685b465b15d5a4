package sandbox

import (
	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// checkUser tells whether phases can run as u.
func (h *host) checkUser(u lifecycle.User) error {
	if err := u.Check(); err != nil {
		return err
	}
	if !h.identity.contains(u) {
		return hint.Errorf("give the user 65536 ids in /etc/subuid and /etc/subgid", "user %d:%d is not among the ids that this user may use", u.UID, u.GID)
	}
	return nil
}

// check finds what a phase must not be, before anything is started.
func (p *place) check(phase lifecycle.Phase) error {
	if err := phase.Check(p.Volumes); err != nil {
		return err
	}
	return p.host.checkUser(phase.User)
}
