package debian

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// config makes apt work in directories of our own as whoever we are. The
// machine's own hooks (clean-up, notifications) are for its own package state
// and must not run for ours.
const config = `#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
APT::Sandbox::User "";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Binary::apt-get::APT::Keep-Downloaded-Packages "true";
APT::Keep-Downloaded-Packages "true";
`

// download resolves and fetches. Package lists that have grown old make apt ask
// for files that are gone, so a failure is tried again with new ones.
func (c Cache) download(ctx context.Context, verb, names []string) ([]Package, error) {
	if err := c.prepare(); err != nil {
		return nil, err
	}
	if err := c.update(ctx, false); err != nil {
		return nil, err
	}
	pkgs, err := c.fetch(ctx, verb, names)
	if err == nil || ctx.Err() != nil {
		return pkgs, err
	}
	if updateErr := c.update(ctx, true); updateErr != nil {
		return nil, errors.Join(err, updateErr)
	}
	return c.fetch(ctx, verb, names)
}

// prepare makes the directories and files that apt expects. An empty dpkg
// status says that nothing is installed.
func (c Cache) prepare() error {
	for _, dir := range []string{"state/lists/partial", "archives/partial", "none/partial", "log"} {
		if err := os.MkdirAll(filepath.Join(c.Dir, dir), 0o755); err != nil {
			return err
		}
	}
	return errors.Join(
		os.WriteFile(filepath.Join(c.Dir, "state", "status"), nil, 0o644),
		os.WriteFile(filepath.Join(c.Dir, "apt.conf"), []byte(config), 0o644))
}

func (c Cache) update(ctx context.Context, force bool) error {
	done := filepath.Join(c.Dir, "state", "updated")
	if _, err := os.Stat(done); err == nil && !force {
		return nil
	}
	c.Progress.Info("fetching Debian package lists")
	if _, err := c.apt(ctx, "none", "update", "--error-on=any"); err != nil {
		return err
	}
	return os.WriteFile(done, nil, 0o644)
}

// fetch asks apt which files it takes, then has it fetch them.
func (c Cache) fetch(ctx context.Context, verb, names []string) ([]Package, error) {
	// apt does not name files that it has, so it is asked where it has none.
	out, err := c.apt(ctx, "none", slices.Concat(verb, []string{"--print-uris"}, names)...)
	if err != nil {
		return nil, err
	}
	files, err := parseURIs(out)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, errors.New("apt names no file")
	}
	c.Progress.Info(fmt.Sprintf("fetching %d Debian packages for %s", len(files), strings.Join(names, ", ")))
	if verb[0] == "install" {
		verb = append(slices.Clone(verb), "--download-only")
	}
	if _, err := c.apt(ctx, "archives", slices.Concat(verb, names)...); err != nil {
		return nil, err
	}
	pkgs := make([]Package, len(files))
	for i, name := range files {
		if pkgs[i], err = c.measure(name); err != nil {
			return nil, err
		}
	}
	return pkgs, nil
}

// apt runs apt-get, with the named directory of the cache for package files, and
// returns its standard output.
func (c Cache) apt(ctx context.Context, archives string, args ...string) ([]byte, error) {
	archives = filepath.Join(c.Dir, archives)
	cmd := exec.CommandContext(ctx, "apt-get", slices.Concat([]string{
		"-qq", "-y", "-c", filepath.Join(c.Dir, "apt.conf"),
		"-o", "Dir::State=" + filepath.Join(c.Dir, "state"),
		"-o", "Dir::State::status=" + filepath.Join(c.Dir, "state", "status"),
		"-o", "Dir::Cache=" + c.Dir,
		"-o", "Dir::Cache::archives=" + archives,
		"-o", "Dir::Log=" + filepath.Join(c.Dir, "log"),
	}, args)...)
	cmd.Dir = archives
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("apt-get %s: %w\n%s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return stdout.Bytes(), nil
}

// parseURIs reads lines of the form "'URI' FILE SIZE HASH" and returns the
// files in order of their names.
func parseURIs(out []byte) ([]string, error) {
	var files []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 3 || !strings.HasPrefix(fields[0], "'") {
			continue
		}
		name := fields[1]
		if name != filepath.Base(name) || !strings.HasSuffix(name, ".deb") {
			return nil, fmt.Errorf("apt names a file %q", name)
		}
		files = append(files, name)
	}
	slices.Sort(files)
	return files, nil
}

// measure digests a downloaded file, which apt has checked against its signed
// lists. Depending on the verb, apt leaves the colon of an epoch as it is.
func (c Cache) measure(name string) (Package, error) {
	file, err := os.Open(filepath.Join(c.archives(), name))
	if errors.Is(err, os.ErrNotExist) {
		if plain, unescapeErr := url.PathUnescape(name); unescapeErr == nil {
			name = plain
			file, err = os.Open(filepath.Join(c.archives(), name))
		}
	}
	if err != nil {
		return Package{}, err
	}
	defer file.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, file)
	if err != nil {
		return Package{}, err
	}
	return Package{File: name, Size: size, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}
