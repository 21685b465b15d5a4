package phases

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/pack-cache/pack-cache/internal/removal"
	"github.com/pack-cache/pack-cache/lifecycle"
)

// detectorsFiles are what the lifecycle's detector leaves in the layers directory
// (CNB Platform specification, "detector"). No buildpack has anything there before
// build.
var detectorsFiles = []string{"group.toml", "plan.toml", "analyzed.toml"}

// generatedDir is where the detector has image extensions leave their Dockerfiles.
const generatedDir = "generated"

// leftByDetect readies the layers directory for restore: what is the detector's has
// to be plain, and everything else is removed. The stage stays if restore has been
// fetching into it since before detect; staged says so. After a restore that has
// died, what is removed is no wonder; again says so.
func (j *job) leftByDetect(staged, again bool) error {
	dir, err := openPlain(j.Paths.Layers)
	if err != nil {
		return err
	}
	defer dir.close()
	for _, name := range detectorsFiles {
		if err := dir.tomlFile(name); err != nil {
			return err
		}
	}
	var others []string
	err = dir.each(func(name string, info fs.FileInfo) error {
		switch {
		case slices.Contains(detectorsFiles, name):
		case name == generatedDir && info.IsDir():
		case name == lifecycle.StageDir && staged:
		default:
			others = append(others, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range others {
		if err := removal.Tree(dir.root, name); err != nil {
			return fmt.Errorf("remove what detect has left in %s: %w", j.Paths.Layers, err)
		}
	}
	if len(others) > 0 && !again {
		slices.Sort(others)
		j.log.Warnf("Removed what detect has left in %s: %s", j.Paths.Layers, few(others))
	}
	return nil
}

// few lists the first of some names.
func few(names []string) string {
	const shown = 5
	var all []string
	for _, name := range names[:min(shown, len(names))] {
		all = append(all, fmt.Sprintf("%q", name))
	}
	if more := len(names) - shown; more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(all, ", ")
}

// dropAnalyzed makes room for analyzed.toml in the layers directory, so that it
// becomes a new file whatever was there.
func (j *job) dropAnalyzed() error {
	root, err := os.OpenRoot(j.Paths.Layers)
	if err != nil {
		return err
	}
	defer root.Close()
	return removal.Tree(root, "analyzed.toml")
}
