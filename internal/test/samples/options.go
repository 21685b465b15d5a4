package samples

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/pack-cache/pack-cache/internal/progress"
	"github.com/pack-cache/pack-cache/internal/test/samples/debian"
	"github.com/pack-cache/pack-cache/internal/test/samples/rootfs"
)

// CacheDirEnv names the variable that moves the cache directory.
const CacheDirEnv = "PACK_CACHE_SAMPLES_DIR"

// Options say what a sample builder is like. Only RunImage must be set.
type Options struct {
	// RunImage is where the run image will be, as the builder names it.
	RunImage string
	// RunImageMirrors are other places of the run image.
	RunImageMirrors []string
	// UID and GID of the build user; both 1000 if both are zero.
	UID, GID int
	// Target is what builder and run image claim to be. Fields that are empty
	// say the truth.
	Target Target
	// Lifecycle is the version of the stock lifecycle: LifecycleVersion, which it is
	// if empty, or one of OldLifecycles.
	Lifecycle string
	// BuildpackAPIs adds, for each of them, a buildpack that speaks it and leaves
	// what that API knows.
	BuildpackAPIs []string
	// PlatformAPIs are the Platform APIs that the builder claims to speak;
	// those of its lifecycle if empty.
	PlatformAPIs []string
	// Extensions adds the image extensions that there are to the builder.
	Extensions bool
	// OmitLabels are labels that the builder image does not get.
	OmitLabels []string
	// CACertificates is the PEM bundle that both images trust; that of this
	// machine if nil.
	CACertificates []byte
	// CacheDir keeps packages and layers. If empty it is $PACK_CACHE_SAMPLES_DIR
	// or else below the user's cache directory.
	CacheDir string
	// Progress hears of what takes long. It may be nil.
	Progress progress.Reporter
}

// Target is an operating system, processor and distribution.
type Target struct {
	OS, Architecture, Variant, DistroName, DistroVersion string
}

// complete fills in what was left empty. distro is the truth about the base.
func (o Options) complete(distro Target) (Options, error) {
	if o.UID == 0 && o.GID == 0 {
		o.UID, o.GID = 1000, 1000
	}
	if o.Lifecycle == "" {
		o.Lifecycle = LifecycleVersion
	}
	if o.Progress == nil {
		o.Progress = progress.Discard
	}
	if o.CacheDir == "" {
		o.CacheDir = os.Getenv(CacheDirEnv)
	}
	if o.CacheDir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return o, err
		}
		o.CacheDir = filepath.Join(user, "pack-cache-samples")
	}
	// apt and the go command run in other directories.
	var err error
	if o.CacheDir, err = filepath.Abs(o.CacheDir); err != nil {
		return o, err
	}
	for _, field := range []struct {
		claim *string
		truth string
	}{
		{&o.Target.OS, runtime.GOOS}, {&o.Target.Architecture, runtime.GOARCH},
		{&o.Target.DistroName, distro.DistroName}, {&o.Target.DistroVersion, distro.DistroVersion},
	} {
		if *field.claim == "" {
			*field.claim = field.truth
		}
	}
	if o.CACertificates == nil {
		o.CACertificates, err = machineCertificates()
	}
	return o, err
}

func (o Options) packages() debian.Cache {
	return debian.Cache{Dir: filepath.Join(o.CacheDir, "debian"), Progress: o.Progress}
}

func (o Options) layers() rootfs.Store {
	return rootfs.Store{Dir: filepath.Join(o.CacheDir, "layers")}
}

func (o Options) user() rootfs.Owner { return rootfs.Owner{UID: o.UID, GID: o.GID} }

// hostRelease returns what os-release says of this machine, whose packages the
// java builder is made of.
func hostRelease() (Target, error) {
	raw, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return Target{}, err
	}
	var t Target
	for line := range strings.Lines(string(raw)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"'`)
		switch key {
		case "ID":
			t.DistroName = value
		case "VERSION_ID":
			t.DistroVersion = value
		}
	}
	return t, nil
}
