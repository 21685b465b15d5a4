package project

import ignore "github.com/sabhiram/go-gitignore"

// Filter returns what decides, for a slash-separated path relative to the
// application's directory, whether the file belongs to the source.
func (d *Descriptor) Filter() func(path string) bool {
	switch {
	case d.Exclude != nil:
		excluded := ignore.CompileIgnoreLines(d.Exclude...)
		return func(path string) bool { return !excluded.MatchesPath(path) }
	case d.Include != nil:
		included := ignore.CompileIgnoreLines(d.Include...)
		return included.MatchesPath
	}
	return func(string) bool { return true }
}
