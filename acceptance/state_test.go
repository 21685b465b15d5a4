package acceptance

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// content is everything that a registry keeps: blobs with their size, and what
// each link, such as a tag, stands for. Unfinished uploads are not part of it.
func (r *registry) content(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(r.Root(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if entry.Name() == "_uploads" {
				return fs.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(r.Root(), path)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		all[name] = strconv.FormatInt(info.Size(), 10)
		if entry.Name() == "link" {
			link, err := os.ReadFile(path)
			all[name] = string(link)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatalf("read the registry's content: %v", err)
	}
	return all
}

// manifests is what the registry's tags stand for and which manifests it has.
func (r *registry) manifests(t *testing.T) map[string]string {
	t.Helper()
	all := r.content(t)
	maps.DeleteFunc(all, func(name, _ string) bool { return !strings.Contains(name, "/_manifests/") })
	return all
}

// wantContent fails unless the registry keeps what it kept before.
func (r *registry) wantContent(t *testing.T, before map[string]string) {
	t.Helper()
	if diff := cmp.Diff(before, r.content(t)); diff != "" {
		t.Errorf("the registry has changed (-before +after):\n%s", diff)
	}
}

// settle waits, if need be, for the process that removes the files of a build that
// has succeeded and ended.
func (m *machine) settle() {
	m.t.Helper()
	for range 200 {
		if places, _ := filepath.Glob(filepath.Join(m.home, "tmp", "pack-cache-place-*")); len(places) == 0 && len(m.processes()) == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// wantNothingLeft fails if a command of the machine left anything behind except
// unpacked builders: files in TMPDIR, what is half unpacked, mounts or processes.
func (m *machine) wantNothingLeft() {
	m.t.Helper()
	m.settle()
	tmp := filepath.Join(m.home, "tmp")
	entries, err := os.ReadDir(tmp)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, entry := range entries {
		m.t.Errorf("%s is left in TMPDIR", entry.Name())
	}
	half, err := filepath.Glob(filepath.Join(m.home, ".cache/pack-cache/builders/*/*.tmp"))
	if err != nil {
		m.t.Fatal(err)
	}
	for _, dir := range half {
		m.t.Errorf("left half unpacked: %s", dir)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		m.t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, tmp+"/") {
			m.t.Errorf("still mounted: %s", line)
		}
	}
	for _, process := range m.processes() {
		m.t.Errorf("still running: %s", process)
	}
}

// processes lists the processes that have to do with the machine: those that
// name its HOME, have mounted or opened something of it, or work in it.
func (m *machine) processes() []string {
	m.t.Helper()
	pids, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		m.t.Fatal(err)
	}
	var found []string
	for _, pid := range pids {
		if pid == "/proc/"+strconv.Itoa(os.Getpid()) {
			continue
		}
		var said []string
		for _, file := range []string{"cmdline", "environ", "mountinfo"} {
			// What cannot be read is gone, or another user's.
			content, _ := os.ReadFile(filepath.Join(pid, file))
			said = append(said, string(content))
		}
		links, _ := filepath.Glob(pid + "/fd/*")
		for _, link := range append(links, pid+"/cwd", pid+"/root") {
			target, _ := os.Readlink(link)
			said = append(said, target)
		}
		if strings.Contains(strings.Join(said, "\n"), m.home+"/") {
			found = append(found, filepath.Base(pid)+": "+strings.ReplaceAll(said[0], "\x00", " "))
		}
	}
	return found
}
