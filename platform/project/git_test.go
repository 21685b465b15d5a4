package project_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pack-cache/pack-cache/internal/test/testneeds"
	"github.com/pack-cache/pack-cache/platform/project"
)

// TestReadGit reads what git itself has written.
func TestReadGit(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		testneeds.Missing(t, "there is no git")
	}
	dir := t.TempDir()
	date := "2026-01-02T03:04:05Z"
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
			"GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	want := func(refs []string, describe, url string) {
		t.Helper()
		got := project.ReadGit(dir)
		if got == nil {
			t.Fatal("nothing was found")
		}
		if diff := cmp.Diff(refs, got.Refs); diff != "" {
			t.Errorf("refs (-want +got):\n%s", diff)
		}
		if describe == "" {
			describe = got.Commit
		}
		if got.Describe() != describe || got.URL != url {
			t.Errorf("got %q and %q, want %q and %q", got.Describe(), got.URL, describe, url)
		}
	}
	if got := project.ReadGit(dir); got != nil {
		t.Errorf("no repository gives %+v", got)
	}
	git("init", "-q", "-b", "main")
	if got := project.ReadGit(dir); got != nil {
		t.Errorf("a repository without a commit gives %+v", got)
	}
	git("commit", "-q", "--allow-empty", "-m", "first")
	git("tag", "old")
	git("commit", "-q", "--allow-empty", "-m", "second")
	git("checkout", "-q", "-b", "team/topic")
	want([]string{"team/topic"}, "", "")
	git("remote", "add", "fork", "git@example.com:a/fork.git")
	git("remote", "add", "origin", "https://gitlab-ci-token:hunter2@example.com/a/b.git")
	git("tag", "v1")
	git("tag", "-a", "v0", "-m", "annotated")
	want([]string{"team/topic", "v0", "v1"}, "v0", "https://example.com/a/b.git")
	git("pack-refs", "--all")
	want([]string{"team/topic", "v0", "v1"}, "v0", "https://example.com/a/b.git")
	date = "2026-01-02T03:04:06Z"
	git("tag", "-a", "w", "-m", "younger")
	want([]string{"team/topic", "w", "v0", "v1"}, "w", "https://example.com/a/b.git")
	git("pack-refs", "--all")
	want([]string{"team/topic", "w", "v0", "v1"}, "w", "https://example.com/a/b.git")
	git("tag", "-f", "w", "old")
	git("checkout", "-q", "--detach")
	git("remote", "remove", "origin")
	want([]string{"HEAD", "v0", "v1"}, "v0", "git@example.com:a/fork.git")
	if err := os.WriteFile(filepath.Join(dir, ".git/HEAD"), []byte("ref: ../../etc/passwd\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := project.ReadGit(dir); got != nil {
		t.Errorf("a reference that leads out gives %+v", got)
	}
}
