package unpack

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/web"
)

// Options say how a Store unpacks. The zero value keeps owners as the archive
// has them where the process may (as root), marks for a privileged overlay
// mount, and works on as many layers at a time as pays.
type Options struct {
	// Owner maps an entry's owner to the owner on disk; with chown false the
	// entry stays with whoever unpacks. It must be a pure function and safe for
	// concurrent use. Nil means: as in the archive when the effective user is
	// 0, and the creator's otherwise.
	Owner func(uid, gid int) (hostUID, hostGID int, chown bool)
	// UserXattr marks opaque directories with user.overlay.opaque, which a
	// mount with the option userxattr in a user namespace understands, instead
	// of trusted.overlay.opaque. Whiteouts are 0/0 character devices in both
	// cases: unlike other devices the kernel lets everybody make those.
	UserXattr bool
	// Parallel is how many layers are worked on at a time; 0 is the number of
	// CPUs, but at least four, because a part of the work is to wait for the
	// network.
	Parallel int
}

// Store keeps unpacked images in a directory. It is safe for concurrent use by
// goroutines, and any number of Stores and processes may share the directory.
//
// What a Store has handed out stays on disk at least until Close or the end of
// the process.
type Store struct {
	dir  string
	opts Options
	// forms tells apart directories whose content differs for the same layer,
	// because the options or the user differ. By kind.
	forms map[kind]string
	// rule is for pauses between attempts.
	rule   web.Rule
	chunks sync.Pool

	mu   sync.Mutex
	held map[string]*os.File // shared locks, by path
}

// kind is a sub-directory of the store.
type kind string

const (
	layerKind kind = "layers"
	flatKind  kind = "flat"
)

// formatVersion changes when the content that this package writes for the same
// layer and options changes.
const formatVersion = 1

const (
	lockSuffix = ".lock"
	tempSuffix = ".tmp"
)

// Open readies the directory dir, made if it is missing, and removes what
// unpacking processes that died left in it. Sub-directories can be entered by
// the effective user only, because images contain setuid programs.
func Open(dir string, opts Options) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("layer store: %w", err)
	}
	for _, sub := range []kind{layerKind, flatKind} {
		if err := private(filepath.Join(dir, string(sub))); err != nil {
			return nil, &DirError{Dir: dir, err: err}
		}
	}
	s := &Store{
		dir:  dir,
		opts: opts,
		forms: map[kind]string{
			layerKind: form(opts.Owner, opts.UserXattr),
			flatKind:  form(opts.Owner, false),
		},
		chunks: sync.Pool{New: func() any { b := make([]byte, chunkSize); return &b }},
		held:   map[string]*os.File{},
	}
	s.sweep()
	return s, nil
}

// Close gives up the locks on everything that the store handed out, so that
// Prune may remove it. It is idempotent.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for path, lock := range s.held {
		lock.Close()
		delete(s.held, path)
	}
	return nil
}

// path names the directory for the given content.
func (s *Store) path(k kind, content v1.Hash) string {
	return filepath.Join(s.dir, string(k), content.Hex+"-"+s.forms[k])
}

func (s *Store) parallel() int {
	if s.opts.Parallel > 0 {
		return s.opts.Parallel
	}
	return max(runtime.NumCPU(), 4)
}

// private makes dir, if needed, a directory of the effective user into which
// nobody else can look and whose group is not inherited by new entries.
func private(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return &os.PathError{Op: "open", Path: dir, Err: unix.ENOTDIR}
	}
	if int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to user %d, not to user %d", dir, st.Uid, os.Geteuid())
	}
	if int(st.Gid) != os.Getegid() {
		if err := os.Chown(dir, -1, os.Getegid()); err != nil {
			return err
		}
	}
	if st.Mode&0o7777 == 0o700 {
		return nil
	}
	// Not os.Chmod, which leaves setgid as it is.
	if err := unix.Chmod(dir, 0o700); err != nil {
		return &os.PathError{Op: "chmod", Path: dir, Err: err}
	}
	return nil
}

// form identifies how content is written: two Stores with the same form write
// the same tree for the same layer. A map of owners cannot be compared, so it
// is asked about every ID that images use. What IDs mean on disk depends on the
// user namespace, too.
func form(owner func(uid, gid int) (int, int, bool), userXattr bool) string {
	h := sha256.New()
	fmt.Fprintf(h, "version %d, user %d, user.overlay %t, owners %t\n",
		formatVersion, os.Geteuid(), userXattr, owner != nil)
	for _, ids := range []string{"/proc/self/uid_map", "/proc/self/gid_map"} {
		if b, err := os.ReadFile(ids); err == nil {
			h.Write(b)
		}
	}
	if owner != nil {
		for id := range 1 << 16 {
			hashOwner(h, owner, id)
		}
		for bit := 16; bit < 32; bit++ {
			hashOwner(h, owner, 1<<bit)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:4])
}

func hashOwner(h hash.Hash, owner func(uid, gid int) (int, int, bool), id int) {
	var row [17]byte
	uid, gid, chown := owner(id, id)
	if chown {
		binary.LittleEndian.PutUint64(row[0:], uint64(uid))
		binary.LittleEndian.PutUint64(row[8:], uint64(gid))
		row[16] = 1
	}
	h.Write(row[:])
}
