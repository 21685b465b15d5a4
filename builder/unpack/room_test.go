package unpack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNoRoom unpacks into file systems that are too small.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	for _, options := range []string{"size=1m", "nr_inodes=20"} {
		t.Run(options, func(t *testing.T) {
			t.Parallel()
			cmd := roleCommand(t, "no room", options)
			cmd.SysProcAttr = ownMounts(os.Geteuid() != 0)
			if out := play(t, cmd); out != "" {
				t.Error(out)
			}
		})
	}
}

// noRoomRole prints what is wrong.
func noRoomRole(in *json.Decoder) error {
	var options string
	if err := in.Decode(&options); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "unpack-room-")
	if err != nil {
		return err
	}
	defer os.Remove(dir)
	if err := unix.Mount("small", dir, "tmpfs", 0, options); err != nil {
		return err
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	s, err := Open(dir, Options{Owner: keepOwner(true), UserXattr: true})
	if err != nil {
		return err
	}
	var entries []entry
	for i := range 40 {
		entries = append(entries, file(fmt.Sprint("d/", i), strings.Repeat("0123456789abcdef", 3000)))
	}
	content, err := tarOf(entries...)
	if err != nil {
		return err
	}
	img := image(newLayer(content, gzipped))
	_, errLayers := s.Layers(context.Background(), img, nil)
	_, errFlat := s.Flat(context.Background(), img, nil)
	for _, err := range []error{errLayers, errFlat} {
		var noRoom *DirError
		if !errors.As(err, &noRoom) || !strings.Contains(err.Error(), dir) || !strings.Contains(noRoom.Hint(), "make room") {
			fmt.Println("no room is reported as", err)
		}
	}
	if left := leftovers(dir); len(left) > 0 {
		fmt.Println("left behind:", left)
	}
	return nil
}
