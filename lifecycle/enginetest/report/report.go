// Package report is what the probe tells the suite: the JSON on its standard
// output.
package report

// State is how a process finds itself.
type State struct {
	Args, Env            []string
	Dir, Hostname        string
	UID, EUID, GID, EGID int
	Groups               []int
	Umask                int
	LeadsSession         bool
	// Status is /proc/self/status.
	Status map[string]string
	// Descriptors tells by number what open files lead to.
	Descriptors map[string]string
	// Mounts are the options of mounts, by path.
	Mounts     map[string]string
	Interfaces []string
	// Resolves tells whether the host name has an address.
	Resolves bool
}

// Step is what one step of "do" gave: its output, or an error.
type Step struct {
	Out, Err string
}

// Finding is a place where a scan found what it was looking for.
type Finding struct {
	Where, What string
}
