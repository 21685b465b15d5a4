package trust

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// JudgeInput is what a verdict depends on in addition to the builder itself.
type JudgeInput struct {
	// Listed are the builders that the user trusts.
	Listed List
	// TrustBuilderFlag says that the user gave --trust-builder.
	TrustBuilderFlag bool
	// FromProject says that the source tree (project.toml) named the builder,
	// not the user.
	FromProject bool
	// ExtraBuildpacksUntrusted says that the build uses buildpacks from outside
	// the builder, without --trust-extra-buildpacks.
	ExtraBuildpacksUntrusted bool
}

// Verdict says whether a builder is trusted.
type Verdict struct {
	Trusted bool
	// Builder says that the builder as it was published is trusted, whatever was
	// added to it. What it says of itself, such as its run images, is believed.
	Builder bool
	// Reason is one line for the user that begins with "trusted: " or
	// "untrusted: ".
	Reason string
}

// Judge decides whether the builder named ref, which resolved to digest, may
// run where credentials are. A builder without a name, nil, is trusted by
// --trust-builder alone. The digest is that of what will run; the zero
// value means that nothing was resolved, and then no entry with another digest
// than that of ref matches.
//
// A builder that the source tree names is judged by the lists alone:
// --trust-builder is the user's word for the builder that the user names, and
// whoever can change project.toml must not be able to borrow it.
func Judge(ref name.Reference, digest v1.Hash, in JudgeInput) Verdict {
	why, trusted := judgeBuilder(ref, digest, in)
	switch {
	case !trusted:
		return Verdict{Reason: "untrusted: " + why}
	case in.ExtraBuildpacksUntrusted:
		return Verdict{Builder: true, Reason: "untrusted: buildpacks from outside the builder are used (--trust-extra-buildpacks trusts them)"}
	}
	return Verdict{Trusted: true, Builder: true, Reason: "trusted: " + why}
}

func judgeBuilder(ref name.Reference, digest v1.Hash, in JudgeInput) (why string, trusted bool) {
	for _, listed := range in.Listed.entries() {
		e, err := parseEntry(listed.Entry)
		if err != nil || ref == nil || !e.matches(ref, digest) {
			continue
		}
		if listed.Known {
			return "known builder " + listed.Entry, true
		}
		return "listed in " + tilde(in.Listed.File) + " as " + listed.Entry, true
	}
	if in.TrustBuilderFlag && !in.FromProject {
		return "--trust-builder", true
	}
	if ref == nil {
		return "the builder that pack-cache runs in has no name here", false
	}
	why = "neither a known builder nor listed"
	if in.Listed.File != "" {
		why += " in " + tilde(in.Listed.File)
	}
	if in.TrustBuilderFlag {
		why += " (--trust-builder does not cover a builder that project.toml names)"
	}
	return why, false
}

// tilde shortens the home directory to ~.
func tilde(path string) string {
	home, err := os.UserHomeDir()
	if err != nil || home == "" {
		return path
	}
	if rest, ok := strings.CutPrefix(path, filepath.Clean(home)+"/"); ok {
		return "~/" + rest
	}
	return path
}
