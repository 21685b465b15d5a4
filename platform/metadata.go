package platform

import (
	"github.com/buildpacks/lifecycle/platform/files"

	"github.com/pack-cache/pack-cache/platform/project"
)

// projectMetadata says where the source comes from, for the label
// io.buildpacks.project.metadata. As in pack it is empty unless config.toml says
// experimental = true: with the commit in it, no image would be like another.
func (p *Platform) projectMetadata(r *resolved) files.ProjectMetadata {
	if p.Config == nil || !p.Config.Experimental {
		return files.ProjectMetadata{}
	}
	if d := r.project; d.Version != "" || d.SourceURL != "" {
		return files.ProjectMetadata{Source: &files.ProjectSource{
			Type:     "project",
			Version:  map[string]any{"declared": d.Version},
			Metadata: map[string]any{"url": d.SourceURL},
		}}
	}
	git := project.ReadGit(r.AppDir)
	if git == nil {
		return files.ProjectMetadata{}
	}
	return files.ProjectMetadata{Source: &files.ProjectSource{
		Type:     "git",
		Version:  map[string]any{"commit": git.Commit, "describe": git.Describe()},
		Metadata: map[string]any{"refs": git.Refs, "url": git.URL},
	}}
}
