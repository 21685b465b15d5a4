// Package testtree makes trees of files for tests, and describes them.
package testtree

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// randomName makes names that archives have trouble with: long ones, long paths, other scripts,
// spaces, line breaks, bytes that are no text, and what looks like an option.
func randomName(random *rand.Rand) string {
	name := fmt.Sprintf("%x", random.Uint32())
	switch random.IntN(10) {
	case 0:
		name += strings.Repeat("long", 45)
	case 1:
		name += "übermäßig 日本"
	case 2:
		name = "-" + name + " with space\nand line"
	case 3:
		name += "\xff\xfe"
	case 4:
		name = "." + name
	}
	return name
}

var randomSizes = []int{0, 1, 100, 511, 512, 513, 5000, 70_000, 1<<20 - 512, 1<<20 + 1, 3 << 20}

func randomContent(random *rand.Rand, largest int) []byte {
	size := min(randomSizes[random.IntN(len(randomSizes))], largest)
	if size > 1<<19 && random.IntN(4) > 0 {
		size = random.IntN(3000)
	}
	content := make([]byte, size)
	for i := range content {
		content[i] = "abcdefgh \n"[random.IntN(10)]
	}
	return content
}

// Random makes about n entries below dir, which it creates. No file is
// larger than largest.
func Random(t testing.TB, random *rand.Rand, dir string, n, largest int) {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o755))
	dirs := []string{dir}
	var files []string
	for range n {
		path := filepath.Join(dirs[random.IntN(len(dirs))], randomName(random))
		switch random.IntN(8) {
		case 0, 1:
			if len(path)-len(dir) < 1000 {
				must(t, os.Mkdir(path, 0o700))
				dirs = append(dirs, path)
			}
		case 2:
			targets := []string{"/etc/passwd", "../..", "nowhere", strings.Repeat("far/", 50), filepath.Base(path)}
			must(t, os.Symlink(targets[random.IntN(len(targets))], path))
		case 3:
			if len(files) > 0 {
				must(t, os.Link(files[random.IntN(len(files))], path))
				break
			}
			fallthrough
		default:
			must(t, os.WriteFile(path, randomContent(random, largest), 0o600))
			must(t, unix.Chmod(path, 0o400|random.Uint32N(0o10000)))
			files = append(files, path)
		}
	}
	setRandomTimes(t, random, dir)
	for _, d := range dirs {
		must(t, unix.Chmod(d, 0o500|random.Uint32N(0o10000)))
	}
	must(t, unix.Chmod(dir, 0o700|random.Uint32N(0o10000))) // which restoring makes writable
	t.Cleanup(func() {
		for _, d := range dirs {
			_ = os.Chmod(d, 0o700)
		}
	})
}

// setRandomTimes gives everything some modification time, also before 1970, far
// in the future, and with nanoseconds.
func setRandomTimes(t testing.TB, random *rand.Rand, dir string) {
	t.Helper()
	var paths []string
	must(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	}))
	for i := len(paths) - 1; i >= 0; i-- {
		times := []time.Time{
			time.Unix(random.Int64N(1<<31), random.Int64N(1e9)), time.Unix(random.Int64N(1<<31), 0),
			time.Unix(-1000, 5), time.Unix(1<<33, 999_999_999), time.Date(1980, time.January, 1, 0, 0, 1, 0, time.UTC),
		}
		at := times[random.IntN(len(times))]
		ts := unix.Timespec{Sec: at.Unix(), Nsec: int64(at.Nanosecond())}
		must(t, unix.UtimesNanoAt(unix.AT_FDCWD, paths[i], []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Describe returns everything about a tree that must survive, by path.
func Describe(t testing.TB, dir string, times bool) map[string]string {
	t.Helper()
	tree := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		s := info.Mode().String()
		switch {
		case info.Mode().IsRegular():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			s += " " + fmt.Sprintf("%x", sha256.Sum256(content))
		case info.Mode()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			s += " -> " + link
		}
		if times {
			s += " " + info.ModTime().UTC().Format(time.RFC3339Nano)
		}
		rel, err := filepath.Rel(dir, path)
		tree[rel] = s
		return errors.Join(err)
	}))
	return tree
}

// Bytes returns the same n bytes each time, which no compression makes fewer.
func Bytes(n int) []byte {
	data := make([]byte, n)
	state := uint32(1)
	for i := range data {
		state = state*1664525 + 1013904223
		data[i] = byte(state >> 24)
	}
	return data
}
