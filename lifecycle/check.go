package lifecycle

import (
	"errors"
	"fmt"
	"path"
	"slices"
)

// Check finds what makes a phase impossible in every engine without a daemon.
// Volumes are those that the place has, by their names.
func (p Phase) Check(volumes map[string]string) error {
	if p.Network.OfDaemon() {
		return fmt.Errorf("unknown network %q", p.Network)
	}
	for _, m := range p.Mounts {
		if m.Named != "" {
			return fmt.Errorf("mount of %s: volume %s: there is no daemon that keeps it", m.Target, m.Named)
		}
	}
	return p.CheckForDaemon(volumes)
}

// CheckForDaemon finds what makes a phase impossible in every engine, also in one
// with a daemon.
func (p Phase) CheckForDaemon(volumes map[string]string) error {
	switch {
	case p.Root != BuilderRoot && p.Root != OwnRoot:
		return fmt.Errorf("unknown root %q", p.Root)
	case p.Network == "":
		return errors.New("the network is missing")
	case p.Root == BuilderRoot && len(p.Args) == 0:
		return errors.New("nothing to run")
	}
	if p.Hidden != "" && (!path.IsAbs(p.Hidden) || path.Clean(p.Hidden) == "/") {
		return errors.New("what is hidden has to be an absolute path below the root")
	}
	for _, m := range p.Mounts {
		if err := m.check(volumes); err != nil {
			return fmt.Errorf("mount of %s: %w", m.Target, err)
		}
	}
	return p.User.Check()
}

// CheckHidden is for engines that cannot hide anything.
func (p Phase) CheckHidden() error {
	if p.Hidden != "" {
		return fmt.Errorf("this engine cannot hide %s", p.Hidden)
	}
	return nil
}

// Check refuses users that nothing of a build may run as.
func (u User) Check() error {
	if u.UID <= 0 || u.GID < 0 {
		// Root without capabilities still owns the kernel's settings.
		return fmt.Errorf("user %d:%d: phases run as an ordinary user (CNB Platform specification, \"Build Image\")", u.UID, u.GID)
	}
	return nil
}

func (m Mount) check(volumes map[string]string) error {
	_, known := volumes[m.Volume]
	sources := slices.DeleteFunc([]string{m.Volume, m.Builder, m.Host, m.Named}, func(s string) bool { return s == "" })
	switch {
	case len(sources) != 1:
		return fmt.Errorf("needs one source, not %d", len(sources))
	case !path.IsAbs(m.Target) || path.Clean(m.Target) == "/":
		return errors.New("the target has to be an absolute path below the root")
	case m.Volume != "" && !known:
		return fmt.Errorf("no volume %q", m.Volume)
	case m.Optional && m.Builder == "":
		return errors.New("only mounts from the builder can be optional")
	case m.Host != "" && !path.IsAbs(m.Host):
		return fmt.Errorf("%s is not an absolute path", m.Host)
	}
	return nil
}
