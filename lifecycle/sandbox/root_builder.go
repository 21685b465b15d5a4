package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// builderRoot makes the root of a phase that is the builder's: its layers, with
// changes going to a place that is thrown away. It returns the root's directory
// and what is to be mounted in it.
func builderRoot(t *task) (string, []mounting, error) {
	if err := mountLayers(stageRoot, len(t.Layers), t.Identity.userNS(), true); err != nil {
		return "", nil, err
	}
	mounts, err := systemMounts(t)
	if err != nil {
		return "", nil, err
	}
	resolver, err := resolverMounts(t.Phase.Network)
	if err != nil {
		return "", nil, err
	}
	own, err := phaseMounts(t)
	return stageRoot, slices.Concat(mounts, resolver, own), err
}

// systemMounts are what every phase finds in its root.
func systemMounts(t *task) ([]mounting, error) {
	// A new proc is allowed only while another one can be seen whole, that is,
	// before the pivot.
	proc, err := fresh("proc", "/proc", restricted|noExec)
	if err != nil {
		return nil, hint.With("a container engine hides parts of /proc here: allow an unmasked one (in Kubernetes procMount: Unmasked)", err)
	}
	// Programs learn from /sys how much memory and CPU they may use.
	sys, err := bindIfPresent("/sys", "/sys", restricted|noExec|readOnly)
	if err != nil {
		return nil, err
	}
	dev, err := devMounts(t.Identity)
	if err != nil {
		return nil, err
	}
	tmp, err := bind(filepath.Join(t.Scratch, scratchTmp), "/tmp", restricted)
	if err != nil {
		return nil, err
	}
	return slices.Concat([]mounting{proc}, sys, dev, []mounting{tmp}), nil
}

// resolverMounts are the machine's resolver files, or on an empty network such
// as know only the loopback.
func resolverMounts(network lifecycle.Network) ([]mounting, error) {
	hosts, resolv := "/etc/hosts", "/etc/resolv.conf"
	if network == lifecycle.NetworkNone {
		hosts, resolv = "hosts", "resolv.conf"
		if err := os.WriteFile(hosts, []byte("127.0.0.1 localhost\n::1 localhost\n"), 0o644); err != nil {
			return nil, err
		}
		if err := os.WriteFile(resolv, nil, 0o644); err != nil {
			return nil, err
		}
	}
	first, err := bindIfPresent(hosts, "/etc/hosts", restricted|noExec|readOnly)
	if err != nil {
		return nil, err
	}
	second, err := bindIfPresent(resolv, "/etc/resolv.conf", restricted|noExec|readOnly)
	return append(first, second...), err
}

// phaseMounts are what the phase itself asks for, parents before what is
// mounted below them.
func phaseMounts(t *task) ([]mounting, error) {
	wanted := slices.Clone(t.Phase.Mounts)
	slices.SortStableFunc(wanted, func(a, b lifecycle.Mount) int {
		return cmp.Compare(depth(a.Target), depth(b.Target))
	})
	image := -1
	var mounts []mounting
	for _, m := range wanted {
		attributes := uint64(restricted)
		if m.ReadOnly {
			attributes |= readOnly
		}
		var made mounting
		var err error
		switch {
		case m.Volume != "":
			if t.Phase.Root == lifecycle.OwnRoot {
				attributes |= noFollow
			}
			made, err = bind(t.Volumes[m.Volume], m.Target, attributes)
		case m.Host != "":
			made, err = bind(m.Host, m.Target, attributes)
		default:
			if image < 0 {
				if image, err = openImage(t); err != nil {
					return nil, err
				}
				defer unix.Close(image)
			}
			made, err = bindBuilder(image, m, t.Phase.Root)
			if m.Optional && errors.Is(err, unix.ENOENT) {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		mounts = append(mounts, made)
	}
	if hidden := t.Phase.Hidden; hidden != "" {
		m, err := fresh("tmpfs", hidden, restricted|noExec|readOnly, "size", "0", "mode", "0555")
		if err != nil {
			return nil, err
		}
		mounts = append(mounts, m)
	}
	return mounts, nil
}

func depth(path string) int { return strings.Count(filepath.Clean(path), "/") }

// openImage mounts the builder image as it is, for taking parts of it.
func openImage(t *task) (int, error) {
	if err := mountLayers(stageImage, len(t.Layers), t.Identity.userNS(), false); err != nil {
		return -1, err
	}
	fd, err := unix.Open(stageImage, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	return fd, confine.Step(err, "builder image")
}

// bindBuilder makes a read-only mount of a part of the builder image. Outside
// the builder's own root nothing in it can be executed.
func bindBuilder(image int, m lifecycle.Mount, root lifecycle.Root) (mounting, error) {
	source, err := unix.Openat2(image, m.Builder, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return mounting{}, confine.NotInBuilder(fmt.Errorf("mount of %s: %s in the builder: %w", m.Target, m.Builder, err))
	}
	defer unix.Close(source)
	attributes := uint64(restricted | readOnly)
	if root != lifecycle.BuilderRoot {
		attributes |= noExec
	}
	return bindAt(source, "", m.Target, attributes)
}
