package docker

import (
	"fmt"
	"io/fs"

	"github.com/pack-cache/pack-cache/lifecycle/docker/inside"
)

// failure is what went wrong inside a container.
type failure struct{ inside.Notice }

// Error implements error.
func (f *failure) Error() string { return f.Notice.Error }

// Hint says what the user can do about it, "" if nothing is known.
func (f *failure) Hint() string { return f.Remedy }

// Is makes errors.Is(err, fs.ErrNotExist) work outside the container, too.
func (f *failure) Is(target error) bool { return f.Missing && target == fs.ErrNotExist }

// startError says that the daemon would not start a container.
type startError struct{ error }

func (s *startError) Unwrap() error { return s.error }

// step names what was being done when err came up.
func step(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)
}
