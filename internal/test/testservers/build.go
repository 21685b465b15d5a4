package testservers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/pack-cache/pack-cache/internal/test/testprocess"
)

// Build makes a tool ready for Find, if it is not. It returns where the tool is.
func Build(ctx context.Context, tool Tool) (string, error) {
	root, err := ModuleRoot()
	if err != nil {
		return "", err
	}
	path, err := tool.path(root)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	unlock, err := testprocess.Lock(filepath.Join(filepath.Dir(path), tool.Name+".lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	work, err := os.MkdirTemp(filepath.Dir(path), ".building-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	made := filepath.Join(work, "made")
	if tool.Package != "" {
		err = goBuild(ctx, tool.dir(root), tool.Package, made)
	} else {
		err = npmInstall(ctx, tool.dir(root), made)
	}
	if err != nil {
		return "", fmt.Errorf("build %s: %w", tool.Name, err)
	}
	return path, os.Rename(made, path)
}

func goBuild(ctx context.Context, module, pkg, to string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", to, pkg)
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	return testprocess.Run(cmd)
}

// npmInstall installs exactly what the lock file says. Scripts of packages are
// not run.
func npmInstall(ctx context.Context, from, to string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = to
	return testprocess.Run(cmd)
}
