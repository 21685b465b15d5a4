package inplace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/buildpacks/lifecycle/api"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// detectorPath is a program that every builder has (CNB Platform specification,
// "Build Image").
const detectorPath = "/cnb/lifecycle/detector"

// askTime is how long the lifecycle may take to say its version.
const askTime = 10 * time.Second

// versionForm is what a version may look like. It ends in labels and logs.
var versionForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.-]{0,63}$`)

// said is what a lifecycle says about itself.
type said struct {
	version     string
	platformAPI string // the highest that pack-cache speaks, too
}

// askLifecycle runs the lifecycle of this builder to learn its version and
// Platform API. A builder that `pack builder create` has made does not tell
// them in a file. The program is the builder's: it runs as the build user, and
// Landlock leaves it its own directory only. Without Landlock and without
// another user nothing would keep it from this process, so it is not run.
func (h *host) askLifecycle(ctx context.Context, user lifecycle.User) (said, error) {
	if h.abi == 0 && !h.root {
		return said{}, hint.Errorf("name the builder that pack-cache runs in with --builder",
			"there is no %s, and %w (%w)", lifecyclePath, errNotAsked, h.noABI)
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	for _, version := range slices.Backward(api.Platform.Supported) {
		text, err := h.runVersion(ctx, user, version.String())
		if failed, ok := errors.AsType[*lifecycle.ExitError](err); ok && failed.Code == exitPlatformAPI {
			continue
		}
		if err != nil {
			return said{}, fmt.Errorf("ask %s for its version: %w", detectorPath, err)
		}
		number, _, _ := strings.Cut(strings.TrimSpace(text), "+") // the rest is the commit
		if !versionForm.MatchString(number) {
			return said{}, fmt.Errorf("ask %s for its version: %q is not a version", detectorPath, number)
		}
		return said{version: number, platformAPI: version.String()}, nil
	}
	return said{}, nil
}

// errNotAsked says that a lifecycle was not asked what it is.
var errNotAsked = errors.New("without Landlock the lifecycle cannot be asked for its version safely")

// exitPlatformAPI is the exit code for a Platform API that the lifecycle does not
// speak (CNB Platform specification, "Exit Codes").
const exitPlatformAPI = 11

// runVersion runs the detector's -version with a Platform API, which it checks
// before anything else, and returns what it prints.
func (h *host) runVersion(ctx context.Context, user lifecycle.User, platformAPI string) (string, error) {
	t := &task{
		Phase: lifecycle.Phase{
			Name: lifecycle.Detect, Root: lifecycle.BuilderRoot, User: user, Dir: "/",
			Args: []string{detectorPath, "-version"},
			Env:  []string{"CNB_PLATFORM_API=" + platformAPI, "CNB_DEPRECATION_MODE=quiet"},
		},
		User: h.as(user), Root: h.root, ABI: h.abi,
		Rules: existing([]confine.Rule{
			{Path: "/cnb/lifecycle", Access: confine.Read | confine.Execute},
			{Path: "/dev/null", Access: confine.Read | confine.Write},
		}),
		Calls: confine.Calls{NoUnixSockets: true},
	}
	out := &capped{limit: 4 << 10}
	err := h.run(ctx, t, lifecycle.Streams{Stdout: out, Stderr: &capped{}})
	return out.kept.String(), err
}

// capped keeps the first bytes that are written to it, and drops the others.
type capped struct {
	kept  bytes.Buffer
	limit int
}

// Write implements io.Writer.
func (c *capped) Write(p []byte) (int, error) {
	c.kept.Write(p[:min(len(p), c.limit-c.kept.Len())])
	return len(p), nil
}
