package project

import (
	"strings"

	ignore "github.com/sabhiram/go-gitignore"
)

// Filter returns what decides, for a slash-separated path relative to the
// application's directory, whether the file or directory belongs to the source.
// A directory that does not may still have files that do.
func (d *Descriptor) Filter() func(path string, dir bool) bool {
	switch {
	case len(d.Exclude) > 0:
		excluded := matcher(d.Exclude)
		return func(path string, dir bool) bool { return !excluded(path, dir) }
	case len(d.Include) > 0:
		return matcher(d.Include)
	}
	return func(string, bool) bool { return true }
}

// matcher matches paths with the patterns of gitignore, in which a slash at the
// end stands for a directory and what is in it.
func matcher(patterns []string) func(path string, dir bool) bool {
	var bare []string
	for _, pattern := range patterns {
		bare = append(bare, strings.TrimSuffix(strings.TrimSpace(pattern), "/"))
	}
	files, dirs := ignore.CompileIgnoreLines(patterns...), ignore.CompileIgnoreLines(bare...)
	return func(path string, dir bool) bool {
		if dir {
			return dirs.MatchesPath(path)
		}
		return files.MatchesPath(path)
	}
}
