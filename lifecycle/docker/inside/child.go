//go:build linux

package inside

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle/confine"
	"github.com/pack-cache/pack-cache/lifecycle/volume"
)

// exitFailed is the exit code of a process that could not do what it was
// ordered to; its notice says why.
const exitFailed = 125

// Child does the work of a process inside a container: there it never returns.
// A program that is to run in containers calls it first of all.
func Child() {
	if len(os.Args) != 2 || os.Args[1] != Marker {
		return
	}
	// The phase has the same user as this process.
	if err := confine.Protect(); err != nil {
		fmt.Fprintln(os.Stderr, "pack-cache inside a container:", err)
		confine.Exit(exitFailed)
	}
	unix.Umask(0o022)
	order, err := readOrder(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "pack-cache inside a container:", err)
		confine.Exit(exitFailed)
	}
	w := newWire()
	code, err := order.obey(w)
	if err != nil {
		// When nobody listens any more, nobody wants to know.
		_ = order.notify(noticeOf(err))
		code = exitFailed
	}
	order.linger(w)
	confine.Exit(code)
}

// obey does what is ordered and returns the exit code.
func (o *Order) obey(w *wire) (int, error) {
	switch {
	case o.Phase != nil:
		return o.Phase.run(o.ready, w)
	case o.Attend != nil:
		for _, name := range o.Attend.Volumes {
			if err := volume.Give(filepath.Join(WorkDir, name), o.Attend.User); err != nil {
				return 0, err
			}
		}
		if err := o.ready(); err != nil {
			return 0, err
		}
		_, err := io.Copy(io.Discard, os.Stdin)
		return 0, err
	case o.Import != nil:
		dir := filepath.Join(WorkDir, o.Import.Volume)
		if err := volume.Import(context.Background(), dir, &frames{from: os.Stdin}, o.Import.User); err != nil {
			return 0, err
		}
		return 0, o.notify(Notice{Done: true})
	case o.Export != nil:
		return 0, o.export()
	case o.Copy != nil:
		return 0, o.copy()
	}
	return 0, errors.New("an empty order")
}

func (o *Order) ready() error { return o.notify(Notice{Ready: true}) }

func (o *Order) notify(n Notice) error { return writeNotice(os.Stderr, o.Secret, n) }

func (o *Order) export() error {
	dir := filepath.Join(WorkDir, o.Export.Volume)
	if o.Export.Directory {
		if err := volume.Archive(os.Stdout, dir, o.Export.Path); err != nil {
			return err
		}
		return o.notify(Notice{Done: true})
	}
	file, err := volume.Open(dir, o.Export.Path)
	if err != nil {
		return err
	}
	if err := o.ready(); err != nil {
		return err
	}
	if _, err = io.Copy(os.Stdout, file); err != nil {
		return err
	}
	return o.notify(Notice{Done: true})
}

func (o *Order) copy() error {
	if err := checkTargets(nil); err != nil {
		return err
	}
	var done []Copied
	for _, c := range o.Copy {
		isFile, err := c.do()
		missing := c.Optional && errors.Is(err, fs.ErrNotExist)
		if err != nil && !missing {
			return fmt.Errorf("%s in the builder: %w", c.From, err)
		}
		done = append(done, Copied{IsFile: isFile, Missing: missing})
	}
	return json.NewEncoder(os.Stdout).Encode(done)
}
