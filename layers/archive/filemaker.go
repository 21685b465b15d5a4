package archive

import (
	"fmt"

	"github.com/pack-cache/pack-cache/internal/holes"
	"github.com/pack-cache/pack-cache/internal/posix"
)

// fileMaker makes regular files, one after the other. It is not safe for
// concurrent use.
type fileMaker struct {
	stack *dirStack
	// mask are the permission bits that the system takes from new files.
	mask uint32
	// now is the access time of everything.
	now posix.Timespec
	// file is the open file; -1 for none. holes writes to it.
	file  int
	holes holes.Writer
}

// make makes a file that came in one piece. Its directory is there.
func (m *fileMaker) make(o op) (record, error) {
	dir, base := splitPath(o.path)
	parent, err := m.stack.enter(dir)
	if err != nil {
		return record{}, err
	}
	if err := m.begin(parent, base, o); err != nil {
		return record{}, err
	}
	if err := m.write(o); err != nil {
		return record{}, err
	}
	return m.finish(o)
}

func (m *fileMaker) begin(parent int, base string, o op) error {
	fd, err := openAt(parent, base, posix.O_CREAT|posix.O_EXCL|posix.O_WRONLY, o.mode)
	if err != nil {
		return entryError(o.path, err)
	}
	m.file, m.holes = fd, holes.NewWriter(fd, holes.Step)
	return nil
}

// write writes a piece of the open file. Only large files have holes.
func (m *fileMaker) write(o op) error {
	if o.more || !o.last || len(o.data) >= holes.Step {
		if _, err := m.holes.Write(o.data); err != nil {
			return fmt.Errorf("writing %q: %w", o.path, err)
		}
		return nil
	}
	for data := o.data; len(data) > 0; {
		n, err := posix.Write(m.file, data)
		if err == posix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("writing %q: %w", o.path, err)
		}
		data = data[n:]
	}
	return nil
}

// finish gives the open file its mode and time, and closes it. Writing may have
// taken the set-user-ID bits away.
func (m *fileMaker) finish(o op) (record, error) {
	fd := m.file
	m.file = -1
	if err := m.holes.Finish(); err != nil {
		posix.Close(fd)
		return record{}, fmt.Errorf("writing %q: %w", o.path, err)
	}
	st, err := m.settle(fd, o)
	if closeErr := posix.Close(fd); closeErr != nil && err == nil {
		err = fmt.Errorf("writing %q: %w", o.path, closeErr)
	}
	return record{entry: entryOf(o.path, &st), evidence: o.evidence}, err
}

// settle gives an open file its mode, if it has not got it yet, and its time.
func (m *fileMaker) settle(fd int, o op) (st posix.Stat_t, err error) {
	if o.mode&m.mask != 0 || o.mode&0o7000 != 0 {
		if err := posix.Fchmod(fd, o.mode); err != nil {
			return st, fmt.Errorf("setting the mode of %q: %w", o.path, err)
		}
	}
	if err := posix.Futimens(fd, m.times(o)); err != nil {
		return st, fmt.Errorf("setting the time of %q: %w", o.path, err)
	}
	if err := posix.Fstat(fd, &st); err != nil {
		return st, fmt.Errorf("looking at %q: %w", o.path, err)
	}
	return st, nil
}

func (m *fileMaker) times(o op) []posix.Timespec { return []posix.Timespec{m.now, o.mtime} }

func (m *fileMaker) close() {
	if m.file >= 0 {
		posix.Close(m.file)
	}
	m.stack.close()
}
