package project

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
