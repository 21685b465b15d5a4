package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// machine is a file system on which nothing was ever built.
type machine struct {
	dir string
	// device is the loop device's name, "" if there is none.
	device  string
	image   string
	mounted bool
	written int64
}

// size of the file behind a machine's ext4, in bytes. It is sparse.
const imageSize = 40 << 30

// newMachine makes one below dir. The caller closes it.
func newMachine(ctx context.Context, dir, fileSystem string) (_ *machine, err error) {
	dir, err = os.MkdirTemp(dir, "machine-")
	if err != nil {
		return nil, err
	}
	m := &machine{dir: filepath.Join(dir, "root")}
	defer func() {
		if err != nil {
			m.close()
		}
	}()
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return nil, err
	}
	switch fileSystem {
	case "ext4":
		err = m.ext4(ctx, filepath.Join(dir, "disk"))
	case "tmpfs":
		err = command(ctx, "mount", "-t", "tmpfs", "-o", "size=16g", "bench", m.dir)
		m.mounted = err == nil
	case "directory":
	default:
		err = fmt.Errorf("file system %q is not known: ext4, tmpfs or directory", fileSystem)
	}
	if err != nil {
		return nil, err
	}
	for _, sub := range []string{"home", "tmp"} {
		if err := os.Mkdir(filepath.Join(m.dir, sub), 0o777); err != nil {
			return nil, err
		}
	}
	m.written = m.sectors()
	return m, nil
}

// ext4 mounts a new file system with a journal.
func (m *machine) ext4(ctx context.Context, image string) error {
	file, err := os.Create(image)
	if err != nil {
		return err
	}
	m.image = image
	if err := file.Truncate(imageSize); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := command(ctx, "mkfs.ext4", "-q", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", image); err != nil {
		return err
	}
	device, err := exec.CommandContext(ctx, "losetup", "--find", "--show", image).Output()
	if err != nil {
		return fmt.Errorf("losetup: %w", err)
	}
	m.device = strings.TrimPrefix(strings.TrimSpace(string(device)), "/dev/")
	err = command(ctx, "mount", "-o", "noatime,noinit_itable", "/dev/"+m.device, m.dir)
	m.mounted = err == nil
	return err
}

// bytesWritten is what was written to the machine's disk, with everything that
// was still to be written; 0 where there is no disk of its own.
func (m *machine) bytesWritten(ctx context.Context) int64 {
	if m.device == "" {
		return 0
	}
	if err := command(ctx, "sync", "-f", m.dir); err != nil {
		return 0
	}
	return m.sectors() - m.written
}

// sectors returns the bytes that the device has taken (kernel documentation,
// block/stat: field 7, in sectors of 512 bytes).
func (m *machine) sectors() int64 {
	stat, err := os.ReadFile("/sys/block/" + m.device + "/stat")
	if m.device == "" || err != nil {
		return 0
	}
	fields := strings.Fields(string(stat))
	if len(fields) < 7 {
		return 0
	}
	n, _ := strconv.ParseInt(fields[6], 10, 64)
	return 512 * n
}

// settle waits until nobody removes anything any more of a build that has ended.
func (m *machine) settle() error {
	for range 600 {
		there, _ := filepath.Glob(filepath.Join(m.dir, "tmp", "pack-cache-place-*"))
		inMemory, _ := filepath.Glob(filepath.Join(sharedMemory, "pack-cache-place-*"))
		if len(there)+len(inMemory) == 0 {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("the files of a build are left in %s or %s", m.dir, sharedMemory)
}

func (m *machine) close() error {
	ctx := context.Background()
	if m.mounted {
		if err := command(ctx, "umount", m.dir); err != nil {
			return err
		}
	}
	if m.device != "" {
		if err := command(ctx, "losetup", "--detach", "/dev/"+m.device); err != nil {
			return err
		}
	}
	return os.RemoveAll(filepath.Dir(m.dir))
}

func command(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}
