package sandbox

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/pack-cache/pack-cache/internal/removal"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/volume"
)

// job is work on files that belong to ids of the phases. As root this process
// does it; otherwise a helper in a user namespace of the same ids does.
type job struct {
	Kind string         `json:"kind"`
	Dir  string         `json:"dir"`
	User lifecycle.User `json:"user"`
	// Names are those of the volumes to make.
	Names []string `json:"names,omitempty"`
	// Path is the file to export, relative to Dir.
	Path   string     `json:"path,omitempty"`
	Unpack *unpacking `json:"unpack,omitempty"`
	Prune  *pruning   `json:"prune,omitempty"`
}

// Kinds of jobs.
const (
	jobVolumes = "make"
	jobImport  = "import"
	jobExport  = "export"
	jobRemove  = "remove"
	jobUnpack  = "unpack"
	jobPrune   = "prune"
)

// perform does a job. The file is one that was asked for.
func perform(ctx context.Context, j *job, in io.Reader) (*os.File, error) {
	switch j.Kind {
	case jobVolumes:
		return nil, volume.Make(j.Dir, j.Names, j.User)
	case jobImport:
		return nil, volume.Import(ctx, j.Dir, in, j.User)
	case jobExport:
		return volume.Open(j.Dir, j.Path)
	case jobRemove:
		return nil, removal.Content(j.Dir)
	}
	return nil, fmt.Errorf("unknown job %q", j.Kind)
}
