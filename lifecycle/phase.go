package lifecycle

// Name is the name of a phase as the CNB Platform specification gives it.
type Name string

// The phases of a build, in the order in which they run.
const (
	Analyze Name = "analyze"
	Detect  Name = "detect"
	Restore Name = "restore"
	// Extend is the phase that applies image extensions, where there are any.
	Extend Name = "extend"
	Build  Name = "build"
	Export Name = "export"
)

// Root says which file system a phase runs in.
type Root string

const (
	// BuilderRoot is the builder image's file system. Changes to it outside the
	// mounts are thrown away when the phase ends.
	BuilderRoot Root = "builder"
	// OwnRoot is an empty file system in which only pack-cache's own binary,
	// the host's resolver files and its CA certificates can be seen.
	OwnRoot Root = "own"
)

// Network says what network a phase sees.
type Network string

const (
	// NetworkHost is the network of the machine that the phase runs on:
	// pack-cache's own, or that of a daemon.
	NetworkHost Network = "host"
	// NetworkNone is a network with nothing but its own loopback.
	NetworkNone Network = "none"
)

// OfDaemon reports whether the network is one that only a daemon has: by its
// name there, or that of another container (container:NAME).
func (n Network) OfDaemon() bool { return n != NetworkHost && n != NetworkNone }

// User is the numeric user and group that a phase runs as, as seen inside its
// root (the CNB user: CNB_USER_ID and CNB_GROUP_ID of the build image).
type User struct {
	UID, GID int
}

// Mount puts something at Target inside a phase's root. Exactly one of Volume,
// Builder, Host and Named is set.
type Mount struct {
	// Volume is the name of one of the place's volumes.
	Volume string
	// Builder is a path inside the builder image, resolved inside that image.
	// It is always read-only, and outside BuilderRoot nothing in it can be
	// executed.
	Builder string
	// Optional leaves the mount out where the builder image has no such path.
	Optional bool
	// Host is an absolute path on the machine that the phase runs on:
	// pack-cache's own, or that of a daemon.
	Host string
	// Named is the name of a volume that a daemon keeps, and that outlives the
	// place. Only an engine with a daemon has such volumes.
	Named string
	// Target is the absolute path inside the phase's root. It is created where
	// the root does not have it.
	Target   string
	ReadOnly bool
}

// Phase is one step of a build, ready to be run by an engine.
type Phase struct {
	Name Name
	Root Root
	User User
	// Args is, for BuilderRoot, the whole argument list, its first element a
	// path inside the builder; for OwnRoot the arguments that follow
	// pack-cache's own name.
	Args []string
	// Env is the whole environment as KEY=VALUE. Nothing is inherited.
	Env     []string
	Dir     string
	Mounts  []Mount
	Network Network
	// Hidden is a directory, by an absolute path inside the root, in whose place the
	// phase finds an empty one that it cannot change; "" for none. It exists. An
	// engine whose Traits do not say Early refuses it.
	Hidden string `json:",omitempty"`
}

// NeedsBuilder reports whether a phase can run only when the builder is there.
func (p Phase) NeedsBuilder() bool {
	if p.Root == BuilderRoot {
		return true
	}
	for _, m := range p.Mounts {
		if m.Builder != "" {
			return true
		}
	}
	return false
}
