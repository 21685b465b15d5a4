//go:build !linux

package phases

import (
	"errors"
	"io"
)

// privateStreams fails: phases run on Linux.
func privateStreams() (io.Reader, io.Writer, error) {
	return nil, nil, errors.New("phases run on Linux")
}
