package sandbox

import (
	"fmt"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// restrictFiles puts the current thread, and all that it becomes and starts,
// into a Landlock domain, and says in words which, or why none.
//
// The root holds nothing that the phase may not see, so the rules for files
// forbid only devices; what the domain adds is that its processes cannot trace
// or signal processes outside, connect to abstract sockets made outside (those
// of the machine, on its network), or change mounts, were they to get the
// right to it.
func restrictFiles() (string, error) {
	abi, err := confine.LandlockABI()
	if err != nil {
		return err.Error(), nil
	}
	all := confine.Rule{Path: "/", Access: confine.Read | confine.Execute | confine.Write | confine.Ioctl}
	if err := confine.RestrictFiles(abi, []confine.Rule{all}); err != nil {
		return "", err
	}
	return fmt.Sprintf("landlock ABI %d (%s)", abi, confine.LandlockScopes(abi)), nil
}
