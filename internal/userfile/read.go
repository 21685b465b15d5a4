// Package userfile opens files that the user names, that are in the source, or
// that are where pack-cache and others look for them: files of variables,
// descriptors, configurations, logins. No named pipe and no device keeps a command
// waiting for ever.
//
// What it is not for: files that pack-cache has made.
package userfile

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// patience is how long a file may take to be opened. A named pipe is open when
// somebody has opened it to write.
const patience = 30 * time.Second

// Read reads a whole file, which may be a pipe, as shells make it of <(…). It
// waits for what is written until ctx ends, but not for ever for somebody who
// writes. The error is an *fs.PathError, a *bounds.Error for a file larger than
// bounds.MaxDocument, or that of ctx.
func Read(ctx context.Context, path string) ([]byte, error) { return read(ctx, path, patience) }

func read(ctx context.Context, path string, patience time.Duration) ([]byte, error) {
	type result struct {
		content []byte
		err     error
	}
	opened, done := make(chan struct{}), make(chan result, 1)
	// Nothing ends open(2) of a pipe, so it may outlive this function.
	go func() {
		file, err := os.Open(path)
		close(opened)
		if err != nil {
			done <- result{err: err}
			return
		}
		defer file.Close()
		content, err := bounds.Read(file)
		done <- result{content, err}
	}()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case r := <-done:
			return r.content, r.err
		case <-opened:
			opened = nil
			late.Stop()
		case <-late.C:
			return nil, &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("nobody has written to it for %s", patience)}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
