package unpack

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// What is unpacked is used by many builds, and may be damaged meanwhile: by
// somebody who makes room, by a disk, by a restore of half of it. So the lock file
// beside a directory holds a record of what stat says of everything in it, and
// every Store that hands the directory out compares once. That takes a few
// milliseconds for a thousand files, and reads none of them: a content that was
// changed with size and time kept is not found.

// recordVersion begins a record.
const recordVersion = "stat 1 "

// record returns the record of a directory.
func record(path string) (string, error) {
	fd, err := openDir(unix.AT_FDCWD, path)
	if err != nil {
		return "", &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	sum := sha256.New()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return "", &os.PathError{Op: "stat", Path: path, Err: err}
	}
	fmt.Fprintf(sum, "%o %d %d\n", st.Mode, st.Uid, st.Gid)
	if err := recordContent(fd, "", sum); err != nil {
		return "", fmt.Errorf("look at %s: %w", path, err)
	}
	return recordVersion + hex.EncodeToString(sum.Sum(nil)), nil
}

func recordContent(dir int, prefix string, sum hash.Hash) error {
	names, fd, err := readDir(dir, ".")
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	slices.Sort(names)
	var line []byte
	for _, name := range names {
		var st unix.Stat_t
		if err := unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return err
		}
		isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR
		if isDir {
			st.Size = 0 // which is the file system's affair
		}
		line = append(append(append(line[:0], prefix...), name...), 0)
		for _, n := range []uint64{uint64(st.Mode), uint64(st.Uid), uint64(st.Gid), uint64(st.Size), uint64(st.Rdev), uint64(st.Mtim.Sec), uint64(st.Mtim.Nsec)} {
			line = binary.LittleEndian.AppendUint64(line, n)
		}
		sum.Write(line)
		if !isDir {
			continue
		}
		sub, err := openDir(fd, name)
		if errors.Is(err, syscall.EACCES) {
			continue // closed to this user, as the image has it
		}
		if err == nil {
			err = recordContent(sub, prefix+name+"/", sum)
			unix.Close(sub)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeRecord keeps a record in a lock file.
func writeRecord(lock *os.File, text string) error {
	if err := lock.Truncate(0); err != nil {
		return err
	}
	_, err := lock.WriteAt([]byte(text), 0)
	return err
}

// fits reports whether a directory is as its lock file says. One without a record
// does not.
func fits(path string, lock *os.File) bool {
	kept, err := io.ReadAll(io.NewSectionReader(lock, 0, 1<<10))
	if err != nil {
		return false
	}
	now, err := record(path)
	return err == nil && now == string(kept)
}
