//go:build !linux

package phases

import (
	"errors"
	"io"
)

// privateStdout fails: phases run on Linux.
func privateStdout() (io.Writer, error) { return nil, errors.New("phases run on Linux") }
