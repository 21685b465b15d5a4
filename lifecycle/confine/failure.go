package confine

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/internal/hint"
)

// Failure is an error that may have crossed the boundary between two
// processes, with what is worth knowing about it there.
type Failure struct {
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"`
	Missing bool   `json:"missing,omitempty"`
	NoRoom  bool   `json:"no_room,omitempty"`
}

// Error implements error.
func (f *Failure) Error() string { return f.Message }

// Hint says what the user can do about it, "" if nothing is known.
func (f *Failure) Hint() string { return f.Remedy }

// Is makes errors.Is work on both sides for what matters there.
func (f *Failure) Is(target error) bool {
	return f.Missing && target == fs.ErrNotExist || f.NoRoom && target == unix.ENOSPC
}

// FailureOf readies err for the journey to another process.
func FailureOf(err error) *Failure {
	return &Failure{Message: err.Error(), Remedy: hint.Of(err), Missing: errors.Is(err, fs.ErrNotExist), NoRoom: NoRoom(err)}
}

// Step names what was being done when err came up.
func Step(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)
}
