package samples

import (
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/BurntSushi/toml"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/test/samples/rootfs"
)

// LifecycleVersion is the version of the stock lifecycle in the sample builders
// that are asked for no other. The module in stocklifecycle/ pins it.
const LifecycleVersion = "0.21.14"

// OldLifecycles are the other versions that there are, oldest first. Each is pinned
// by the module in stocklifecycle/VERSION. They all have the same dependencies,
// so that those are compiled once.
func OldLifecycles() []string { return []string{"0.17.7", "0.19.6", "0.20.3"} }

const lifecyclePath = "github.com/buildpacks/lifecycle"

// lifecycleDescriptor is the part of lifecycle.toml that a builder's labels
// repeat.
type lifecycleDescriptor struct {
	APIs struct {
		Buildpack apiSet `toml:"buildpack" json:"buildpack"`
		Platform  apiSet `toml:"platform" json:"platform"`
	} `toml:"apis"`
}

type apiSet struct {
	Deprecated []string `toml:"deprecated" json:"deprecated"`
	Supported  []string `toml:"supported" json:"supported"`
}

// lifecyclePhases are the names that the executable of the lifecycle has.
var lifecyclePhases = []string{"analyzer", "builder", "creator", "detector", "exporter", "extender", "rebaser", "restorer"}

// descriptorProgram prints lifecycle.toml. Every module of a lifecycle runs it.
const descriptorProgram = "descriptor/main.go"

// stock is the compiled lifecycle of one version: a directory with the executables
// lifecycle and launcher and the file lifecycle.toml.
type stock struct {
	version    string
	dir        string
	key        string
	descriptor lifecycleDescriptor
}

// stockLifecycle compiles the lifecycle, or finds it compiled.
func stockLifecycle(ctx context.Context, o Options) (*stock, error) {
	module, key, err := stockModule(o.Lifecycle)
	if err != nil {
		return nil, err
	}
	s := &stock{version: o.Lifecycle, dir: filepath.Join(o.CacheDir, "lifecycle", key), key: key}
	unlock, err := rootfs.Lock(ctx, s.dir+".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	descriptor := filepath.Join(s.dir, "lifecycle.toml")
	if _, err := os.Stat(descriptor); errors.Is(err, os.ErrNotExist) {
		o.Progress.Info("compiling the stock lifecycle " + s.version)
		if err := s.compile(ctx, module); err != nil {
			return nil, fmt.Errorf("compile the stock lifecycle: %w", err)
		}
	}
	if _, err := toml.DecodeFile(descriptor, &s.descriptor); err != nil {
		return nil, fmt.Errorf("%s: %w", descriptor, err)
	}
	return s, nil
}

// stockModule returns the directory of the module that pins a version of the
// lifecycle, and a key that changes with it and with the compiler.
func stockModule(version string) (dir, key string, err error) {
	dir = stockDir()
	if version != LifecycleVersion {
		dir = filepath.Join(dir, version)
	}
	sum := sha256.New()
	for _, path := range []string{filepath.Join(dir, "go.mod"), filepath.Join(dir, "go.sum"), filepath.Join(stockDir(), descriptorProgram)} {
		content, err := os.ReadFile(path)
		if err != nil {
			return "", "", fmt.Errorf("the sample builders need pack-cache's source tree (built without -trimpath): %w", err)
		}
		sum.Write(content)
	}
	fmt.Fprint(sum, runtime.Version(), runtime.GOARCH, version)
	return dir, hex.EncodeToString(sum.Sum(nil)[:12]), nil
}

// stockDir is the directory of the module that pins LifecycleVersion.
func stockDir() string {
	_, self, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(self), "stocklifecycle")
}

func (s *stock) compile(ctx context.Context, module string) error {
	flags := fmt.Sprintf("-s -w -X %[1]s/cmd.Version=%[2]s -X %[1]s/cmd.SCMRepository=%[1]s", lifecyclePath, s.version)
	_, err := goCommand(ctx, module, "build", "-trimpath", "-ldflags", flags, "-o", s.dir+string(filepath.Separator),
		lifecyclePath+"/cmd/lifecycle", lifecyclePath+"/cmd/launcher")
	if err != nil {
		return err
	}
	descriptor, err := goCommand(ctx, module, "run", filepath.Join(stockDir(), descriptorProgram), s.version)
	if err != nil {
		return err
	}
	// Last, because its presence says that the rest is there.
	return rootfs.WriteFile(filepath.Join(s.dir, "lifecycle.toml"), descriptor)
}

func goCommand(ctx context.Context, dir, verb string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{verb}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly -buildvcs=false", "GOWORK=off",
		"GOOS=linux", "GOARCH="+runtime.GOARCH, "PWD="+dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", verb, err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}

// layer returns the layer with /cnb/lifecycle as pack puts it into builders: one
// executable for all phases, the launcher, and their SBOMs. lifecycle.toml, which
// a release of the lifecycle has, is not in there.
func (s *stock) layer(ctx context.Context, o Options) (v1.Layer, error) {
	return o.layers().Layer(ctx, "lifecycle "+s.key+sourceKey(), func(fs *rootfs.FS, _ *rootfs.Spool) error {
		fs.Dir("cnb/lifecycle", 0o755, rootfs.Owner{})
		for _, phase := range lifecyclePhases {
			fs.Symlink("cnb/lifecycle/"+phase, "lifecycle")
		}
		fs.Symlink("lifecycle", "/cnb/lifecycle")
		for _, name := range []string{"lifecycle", "launcher"} {
			content, err := os.ReadFile(filepath.Join(s.dir, name))
			if err != nil {
				return err
			}
			fs.File("cnb/lifecycle/"+name, 0o755, rootfs.Owner{}, content)
			info, err := buildinfo.ReadFile(filepath.Join(s.dir, name))
			if err != nil {
				return err
			}
			if err := addSBOMs(fs, "cnb/lifecycle/"+name, info); err != nil {
				return err
			}
		}
		return nil
	})
}
