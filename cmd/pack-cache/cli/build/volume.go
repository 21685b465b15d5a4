package build

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
)

const volumeForm = "write it as /HOST/PATH:/TARGET or VOLUME:/TARGET, with :ro (the default) or :rw after it"

// namedVolume is Docker's grammar of names of volumes.
var namedVolume = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`)

// volumes reads the values of --volume.
func volumes(values []string) ([]lifecycle.Mount, error) {
	var mounts []lifecycle.Mount
	for _, value := range values {
		m, err := volume(value)
		if err != nil {
			return nil, hint.Usagef(volumeForm, "--volume %q: %v", value, err)
		}
		mounts = append(mounts, m)
	}
	return mounts, nil
}

func volume(value string) (lifecycle.Mount, error) {
	parts := strings.Split(value, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return lifecycle.Mount{}, fmt.Errorf("it has %d parts", len(parts))
	}
	m := lifecycle.Mount{Target: path.Clean(parts[1]), ReadOnly: true}
	switch source := parts[0]; {
	case path.IsAbs(source):
		m.Host = path.Clean(source)
	case namedVolume.MatchString(source):
		m.Named = source
	default:
		return m, fmt.Errorf("%q is neither an absolute path nor the name of a volume", source)
	}
	if !path.IsAbs(parts[1]) || m.Target == "/" {
		return m, fmt.Errorf("the target %q is not an absolute path below the root", parts[1])
	}
	if len(parts) == 2 {
		return m, nil
	}
	var given []string
	for option := range strings.SplitSeq(parts[2], ",") {
		switch option {
		case "ro", "rw":
			given = append(given, option)
			m.ReadOnly = option == "ro"
		default:
			return m, fmt.Errorf("option %q is not known", option)
		}
	}
	if len(given) > 1 {
		return m, fmt.Errorf("%s exclude each other", strings.Join(given, " and "))
	}
	return m, nil
}
