package sandbox

import (
	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// ownRoot makes the root of a phase that pack-cache runs itself: empty but for
// what the network and TLS need, all of it the machine's. The program itself is
// executed from memory and has no place in it.
func ownRoot(t *task) (string, []mounting, error) {
	if err := unix.Mount("tmpfs", stageRoot, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return "", nil, confine.Step(err, "mounting the root")
	}
	mounts, err := systemMounts(t)
	if err != nil {
		return "", nil, err
	}
	for _, path := range confine.TrustFiles(t.Phase.Env) {
		m, err := bindIfPresent(path, path, restricted|noExec|readOnly)
		if err != nil {
			return "", nil, err
		}
		mounts = append(mounts, m...)
	}
	own, err := phaseMounts(t)
	return stageRoot, append(mounts, own...), err
}
