//go:build linux

package inside

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// checkTargets fails unless something is mounted at each of the targets, the
// daemon's own files are where they seem to be, and /tmp is a directory for
// everybody. Daemons follow the image's symbolic links when they mount.
func checkTargets(targets []string) error {
	info, err := os.Lstat("/tmp")
	if err != nil || !info.IsDir() || info.Mode()&(0o777|fs.ModeSticky) != 0o777|fs.ModeSticky {
		return &misplaced{"/tmp"}
	}
	for _, file := range []string{"/etc/hosts", "/etc/resolv.conf"} {
		if info, err := os.Lstat(file); err == nil && !info.Mode().IsRegular() {
			return &misplaced{file}
		}
	}
	mounted, err := mountPoints()
	if err != nil {
		return err
	}
	for _, target := range targets {
		dir, err := filepath.EvalSymlinks(filepath.Dir(target))
		if err != nil {
			return &misplaced{target}
		}
		if !mounted[filepath.Join(dir, filepath.Base(target))] {
			return &misplaced{target}
		}
	}
	return nil
}

// mountPoints returns where something is mounted.
func mountPoints() (map[string]bool, error) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("what is mounted: %w", err)
	}
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	found := map[string]bool{}
	for line := range strings.Lines(string(table)) {
		if fields := strings.Fields(line); len(fields) > 4 {
			found[unescape.Replace(fields[4])] = true
		}
	}
	return found, nil
}
