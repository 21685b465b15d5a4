package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/test/testtree"
	"github.com/pack-cache/pack-cache/layers/blob"
)

// editable is a tree whose files can be picked.
type editable struct {
	*rand.Rand
	outside     string // an empty directory on the same file system
	files, dirs []string
	links       []string
}

func newEditable(t *testing.T, random *rand.Rand, dir string) *editable {
	e := &editable{Rand: random, outside: t.TempDir()}
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			e.dirs = append(e.dirs, path)
		case entry.Type() == fs.ModeSymlink:
			e.links = append(e.links, path)
		default:
			e.files = append(e.files, path)
		}
		return nil
	}))
	return e
}

func (e *editable) file() string { return e.files[e.IntN(len(e.files))] }
func (e *editable) dir() string  { return e.dirs[e.IntN(len(e.dirs))] }
func (e *editable) link() string { return e.links[e.IntN(len(e.links))] }

// overwrite changes a byte of a file, or all, without changing its size.
func overwrite(path string, whole bool) error {
	content, err := os.ReadFile(path)
	if err != nil || len(content) == 0 {
		return err
	}
	content[len(content)/2]++
	if whole {
		for i := range content {
			content[i]++
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(content, 0)
	return errors.Join(err, f.Close())
}

// keepingTime makes a change to a file and puts its modification time back.
func keepingTime(path string, change func() error) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	ts := timespec(info.ModTime())
	return unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW)
}

// replace puts a new file with the same content, mode and time in place of one.
func replace(e *editable, path string, change func(string) error) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return err
	}
	temporary := filepath.Join(e.outside, "new")
	err = errors.Join(os.WriteFile(temporary, content, 0o600), change(temporary), unix.Chmod(temporary, uint32(st.Mode)&0o7777))
	times := []unix.Timespec{st.Mtim, st.Mtim}
	return errors.Join(err, unix.UtimesNano(temporary, times), os.Rename(temporary, path))
}

// edits are what may happen between restore and save. What each means for the
// content is not said here: the test finds out by comparing everything.
var edits = map[string]func(e *editable) error{
	"nothing":         func(*editable) error { return nil },
	"touch":           func(e *editable) error { return os.Chtimes(e.file(), time.Now(), time.Now().Add(-time.Hour)) },
	"touch directory": func(e *editable) error { return os.Chtimes(e.dir(), time.Now(), time.Now()) },
	"same content":    func(e *editable) error { return replace(e, e.file(), func(string) error { return nil }) },
	"new content": func(e *editable) error {
		return replace(e, e.file(), func(path string) error { return overwrite(path, true) })
	},
	"one byte": func(e *editable) error { return overwrite(e.file(), false) },
	"byte, old time": func(e *editable) error {
		f := e.file()
		return keepingTime(f, func() error { return overwrite(f, false) })
	},
	"bytes, old time": func(e *editable) error {
		f := e.file()
		return keepingTime(f, func() error { return overwrite(f, true) })
	},
	"longer": func(e *editable) error {
		f := e.file()
		return keepingTime(f, func() error {
			h, err := os.OpenFile(f, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				return err
			}
			_, err = h.WriteString("x")
			return errors.Join(err, h.Close())
		})
	},
	"shorter": func(e *editable) error { return os.Truncate(e.file(), 0) },
	"mode":    func(e *editable) error { return os.Chmod(e.file(), 0o640) },
	"setuid":  func(e *editable) error { return os.Chmod(e.file(), 0o750|fs.ModeSetuid) },
	"mode and back": func(e *editable) error {
		f := e.file()
		info, err := os.Stat(f)
		return errors.Join(err, os.Chmod(f, 0o777), os.Chmod(f, info.Mode()))
	},
	"directory mode": func(e *editable) error { return os.Chmod(e.dir(), 0o700) },
	"link target": func(e *editable) error {
		l := e.link()
		return keepingTime(l, func() error {
			target, err := os.Readlink(l)
			return errors.Join(err, os.Remove(l), os.Symlink("x"+target[1:], l))
		})
	},
	"link again": func(e *editable) error {
		l := e.link()
		target, err := os.Readlink(l)
		return errors.Join(err, os.Remove(l), os.Symlink(target, l))
	},
	"hard link out":    func(e *editable) error { return os.Link(e.file(), filepath.Join(e.outside, "hard")) },
	"hard link within": func(e *editable) error { return os.Link(e.file(), filepath.Join(e.dir(), "hard")) },
	"written through a hard link": func(e *editable) error {
		f, hard := e.file(), filepath.Join(e.outside, "hard")
		return keepingTime(f, func() error { return errors.Join(os.Link(f, hard), overwrite(hard, true), os.Remove(hard)) })
	},
	"hard links of equals": func(e *editable) error {
		a, b := e.file(), e.file()
		if a == b {
			return nil
		}
		return errors.Join(os.Remove(b), os.Link(a, b))
	},
	"rename":      func(e *editable) error { f := e.file(); return os.Rename(f, f+"x") },
	"swap":        func(e *editable) error { return swap(e, e.file(), e.file()) },
	"swap dirs":   func(e *editable) error { return swap(e, e.dirs[1], e.dirs[len(e.dirs)-1]) },
	"new file":    func(e *editable) error { return os.WriteFile(filepath.Join(e.dir(), "fresh"), nil, 0o644) },
	"new dir":     func(e *editable) error { return os.Mkdir(filepath.Join(e.dir(), "fresh"), 0o755) },
	"gone":        func(e *editable) error { return os.Remove(e.file()) },
	"dir gone":    func(e *editable) error { return os.RemoveAll(e.dirs[len(e.dirs)-1]) },
	"file to dir": func(e *editable) error { f := e.file(); return errors.Join(os.Remove(f), os.Mkdir(f, 0o644)) },
	"file to link": func(e *editable) error {
		f := e.file()
		return errors.Join(os.Rename(f, filepath.Join(e.outside, "f")), os.Symlink(filepath.Join(e.outside, "f"), f))
	},
	"new and gone": func(e *editable) error {
		f := filepath.Join(e.dir(), "fresh")
		return errors.Join(os.WriteFile(f, nil, 0o644), os.Remove(f))
	},
	"attribute": func(e *editable) error {
		err := unix.Setxattr(e.file(), "user.x", []byte("y"), 0)
		if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EPERM) {
			return nil
		}
		return err
	},
}

func swap(e *editable, a, b string) error {
	if a == b {
		return nil
	}
	aside := filepath.Join(e.outside, "aside")
	return errors.Join(os.Rename(a, aside), os.Rename(b, a), os.Rename(aside, b))
}

// The fingerprint's verdict is that of a full comparison, whatever was done, how
// often, and how soon after the restore.
func TestFingerprintNeverLies(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(maps.Keys(edits))
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for round := range 2 {
				random := rand.New(rand.NewPCG(uint64(round), uint64(i)))
				layersDir, f, before := restoreRandom(t, random)
				e := newEditable(t, random, filepath.Join(layersDir, "bp/layer"))
				if round == 1 {
					time.Sleep(30 * time.Millisecond) // out of the clock tick of the restore
				}
				must(t, edits[name](e))
				if round == 1 {
					must(t, edits["touch"](newEditable(t, random, filepath.Join(layersDir, "bp/layer"))))
				}
				checkVerdict(t, layersDir, f, before)
			}
		})
	}
}

// Several edits in a row, at random times, do not hide one another.
func TestFingerprintOfManyEdits(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(maps.Keys(edits))
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 99))
			layersDir, f, before := restoreRandom(t, random)
			var done []string
			for range 1 + random.IntN(6) {
				if random.IntN(3) == 0 {
					time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond)
				}
				name := names[random.IntN(len(names))]
				done = append(done, name)
				e := newEditable(t, random, filepath.Join(layersDir, "bp/layer"))
				if len(e.files) == 0 || len(e.dirs) < 2 || len(e.links) == 0 {
					break
				}
				_ = edits[name](e) // some cannot be after others
			}
			checkVerdict(t, layersDir, f, before)
			if t.Failed() {
				t.Log(done)
			}
		})
	}
}

// restoreRandom restores a random tree with a fingerprint, and describes it.
func restoreRandom(t *testing.T, random *rand.Rand) (layersDir string, f *Fingerprint, before map[string]string) {
	t.Helper()
	source := t.TempDir()
	dir := filepath.Join(source, "bp/layer")
	testtree.Random(t, random, dir, 30, 5000)
	// Whoever runs the test must be able to edit.
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case entry.IsDir():
			return os.Chmod(path, 0o755)
		case entry.Type().IsRegular():
			return os.Chmod(path, 0o600|fs.FileMode(random.Uint32N(0o1000)))
		}
		return err
	}))
	write(t, filepath.Join(dir, "d1/d2/file"), fmt.Sprint(random.Uint64()))
	must(t, os.MkdirAll(filepath.Join(dir, "zz"), 0o755))
	must(t, os.Symlink("target", filepath.Join(dir, "zz/link")))
	raw, _ := archiveOf(t, Form{LayersDir: source, Prefix: "/layers", Dir: "bp/layer"})
	layersDir = t.TempDir()
	f = unpackTo(t, layersDir, raw)
	return layersDir, f, testtree.Describe(t, filepath.Join(layersDir, "bp/layer"), false)
}

// unpackTo unpacks an archive in place as a restore does, and returns its fingerprint
// as a save reads it.
func unpackTo(t *testing.T, layersDir string, raw []byte) *Fingerprint {
	t.Helper()
	dir := filepath.Join(layersDir, "bp/layer")
	must(t, os.MkdirAll(dir, 0o755))
	root, err := os.Open(dir)
	must(t, err)
	defer root.Close()
	feed, err := feedOf(raw)
	must(t, err)
	defer feed.Close()
	f := &Fingerprint{Dir: "bp/layer", Key: blob.NewKey()}
	tree, err := Unpack(t.Context(), Request{Feed: feed, Dir: f.Dir, Root: root, Key: f.Key})
	must(t, err)
	must(t, unix.Chmod(dir, tree.Mode))
	must(t, f.Complete(root, &tree))
	f, err = DecodeFingerprint(f.Encode())
	must(t, err)
	return f
}

// listed lists what is in place of the layer now.
func listed(t *testing.T, layersDir string) *Tree {
	t.Helper()
	tree, err := List(Form{LayersDir: layersDir, Prefix: "/layers", Dir: "bp/layer"})
	must(t, err)
	t.Cleanup(func() { tree.Close() })
	return tree
}

func checkVerdict(t *testing.T, layersDir string, f *Fingerprint, before map[string]string) {
	t.Helper()
	diff := cmp.Diff(before, testtree.Describe(t, filepath.Join(layersDir, "bp/layer"), false))
	v, err := f.Compare(t.Context(), listed(t, layersDir))
	must(t, err)
	if v.Same != (diff == "") {
		t.Errorf("verdict %+v (%s), but the difference is: %s", v, v.Reason(), diff)
	}
}

// Nothing is read where nothing was touched, and only what was touched.
func TestFingerprintReadsLittle(t *testing.T) {
	t.Parallel()
	layersDir, f, _ := restoreRandom(t, rand.New(rand.NewPCG(5, 5)))
	// As if the restore had taken longer than a clock tick.
	f.records[0].ctime.Sec += 10
	count := func() int {
		v, err := f.Compare(t.Context(), listed(t, layersDir))
		must(t, err)
		if !v.Same {
			t.Errorf("verdict %+v", v)
		}
		return v.read
	}
	if got := count(); got != 0 {
		t.Errorf("%d files read of an untouched tree", got)
	}
	now := time.Now()
	must(t, os.Chtimes(filepath.Join(layersDir, "bp/layer/d1/d2/file"), now, now))
	if got := count(); got != 1 {
		t.Errorf("%d files read, want the one that was touched", got)
	}
}

// On a file system with a coarse clock a file can change within one tick, and
// look untouched.
func TestFingerprintWithinOneTick(t *testing.T) {
	t.Parallel()
	layersDir, f, _ := restoreRandom(t, rand.New(rand.NewPCG(8, 8)))
	must(t, overwrite(filepath.Join(layersDir, "bp/layer/d1/d2/file"), false))
	tree := listed(t, layersDir)
	for _, fraction := range []int64{0, 123_456_789} {
		for i := range tree.entries {
			tree.entries[i].ctime.Nsec = fraction
			f.records[i].entry = tree.entries[i]
		}
		f.records[0].ctime.Sec++
		f.records[0].ctime.Nsec = fraction
		if v, err := f.Compare(t.Context(), tree); err != nil || v.Same != (fraction != 0) {
			t.Errorf("a second later: %+v, %v", v, err)
		}
		f.records[0].ctime.Sec--
		f.records[0].ctime.Nsec = max(0, fraction-1_000_000)
		if v, err := f.Compare(t.Context(), tree); err != nil || v.Same {
			t.Errorf("at once: %+v, %v", v, err)
		}
	}
}

func TestFingerprintCodec(t *testing.T) {
	t.Parallel()
	_, f, _ := restoreRandom(t, rand.New(rand.NewPCG(6, 6)))
	f.parents = []parentEntry{{name: "/layers", mode: 0o755, uid: -1, gid: 1 << 40}}
	again, err := DecodeFingerprint(f.Encode())
	must(t, err)
	if diff := cmp.Diff(f, again, cmp.AllowUnexported(Fingerprint{}, record{}, entry{}, parentEntry{})); diff != "" {
		t.Error(diff)
	}
	data := f.Encode()
	for i := range data {
		data[i]++
		if _, err := DecodeFingerprint(data); err == nil && i < 200 {
			t.Errorf("damage at byte %d goes unnoticed", i)
		}
		data[i]--
		if i > 2000 {
			break
		}
	}
	for _, length := range []int{0, 10, len(data) / 2, len(data) - 1} {
		if _, err := DecodeFingerprint(data[:length]); err == nil {
			t.Errorf("%d of %d bytes are a fingerprint", length, len(data))
		}
	}
}

func FuzzDecodeFingerprint(f *testing.F) {
	f.Add([]byte{})
	f.Add((&Fingerprint{Dir: "a", records: []record{{}}}).Encode())
	f.Fuzz(func(t *testing.T, body []byte) {
		// The checksum would keep the fuzzer out.
		sealed := sealFingerprint(append([]byte(fingerprintMagic), body...))
		if got, err := DecodeFingerprint(sealed); err == nil && len(got.records) == 0 {
			t.Error("a fingerprint without records")
		}
	})
}

// A launch layer's diffID depends on more than the layer.
func TestFingerprintFits(t *testing.T) {
	t.Parallel()
	source, layersDir := t.TempDir(), t.TempDir()
	write(t, filepath.Join(source, "bp/layer/a"), "x")
	form := Form{LayersDir: source, Prefix: "/layers", Dir: "bp/layer", Normalized: true, UID: 7, GID: 8}
	raw, _ := archiveOf(t, form)
	form.LayersDir = layersDir
	for _, dir := range []string{"", "bp"} {
		must(t, os.MkdirAll(filepath.Join(layersDir, dir), 0o755))
		var st unix.Stat_t
		must(t, unix.Stat(filepath.Join(source, dir), &st))
		must(t, unix.Chmod(filepath.Join(layersDir, dir), uint32(st.Mode)&0o7777))
	}
	f := unpackTo(t, layersDir, raw)
	check := func(what string, form Form, want bool) {
		t.Helper()
		if got, err := f.Fits(form); err != nil || got != want {
			t.Errorf("%s: %t, %v", what, got, err)
		}
	}
	check("same", form, true)
	owner, prefix, times := form, form, form
	owner.UID, prefix.Prefix, times.Normalized = 9, "/other", false
	check("owner", owner, false)
	check("prefix", prefix, false)
	check("not a launch layer any more", times, true)
	must(t, os.Chmod(filepath.Join(layersDir, "bp"), 0o700))
	check("parent's mode", form, false)
}
