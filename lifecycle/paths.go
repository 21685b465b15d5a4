package lifecycle

import "cmp"

// Paths are where a phase finds what it works on, inside its root. The zero
// value of a field is the usual path.
type Paths struct {
	Layers   string `json:"layers,omitempty"`
	App      string `json:"app,omitempty"`
	Platform string `json:"platform,omitempty"`
	State    string `json:"state,omitempty"`
	// HomeDetect and HomeBuild are the home directories of detect and build.
	HomeDetect string `json:"home_detect,omitempty"`
	HomeBuild  string `json:"home_build,omitempty"`
}

// OrUsual fills in the usual paths (CNB Platform specification, "Operations").
func (p Paths) OrUsual() Paths {
	return Paths{
		Layers:     cmp.Or(p.Layers, LayersDir),
		App:        cmp.Or(p.App, AppDir),
		Platform:   cmp.Or(p.Platform, PlatformDir),
		State:      cmp.Or(p.State, StateDir),
		HomeDetect: cmp.Or(p.HomeDetect, HomeDir),
		HomeBuild:  cmp.Or(p.HomeBuild, HomeDir),
	}
}
