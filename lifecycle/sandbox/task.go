package sandbox

import "github.com/pack-cache/pack-cache/lifecycle"

// task is everything that setup needs to become a phase. Its paths are the
// machine's.
type task struct {
	Phase lifecycle.Phase `json:"phase"`
	// Identity says how far owners, groups and marks on files can be used.
	Identity identity `json:"identity"`
	// Stage is an empty directory to build the root in. What setup mounts there
	// can be seen in the phase's own mount namespace only.
	Stage string `json:"stage"`
	// Scratch is a directory of the phase's own, removed after it.
	Scratch string `json:"scratch"`
	// Volumes are the directories of volumes, by their names.
	Volumes map[string]string `json:"volumes"`
	// Layers are the directories of the builder's unpacked layers, lowest
	// first.
	Layers []string `json:"layers"`
	// UpperInMemory keeps changes to the builder's files in a tmpfs, because
	// the scratch directory's file system cannot be an overlay's upper side.
	UpperInMemory bool `json:"upper_in_memory,omitempty"`
	// Probe ends setup right before the exec, with exit code 0, after having
	// tried what overlays in Store and Scratch can do.
	Probe bool   `json:"probe,omitempty"`
	Store string `json:"store,omitempty"`
}

// Directories in a phase's scratch directory.
const (
	scratchUpper = "upper"
	scratchWork  = "work"
	scratchTmp   = "tmp"
)
