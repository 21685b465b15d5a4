// Package exit turns the error of a command into what the user sees of it: a
// message, hints, and the exit code of the program.
package exit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/plain"
	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/internal/shorten"
	"github.com/pack-cache/pack-cache/layers"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/platform"
	"github.com/pack-cache/pack-cache/trust"
)

// The exit codes. Codes from LifecycleFirst to LifecycleLast are those of a
// phase of the lifecycle, and are passed on.
const (
	CodeOK            = 0
	CodeFailure       = 1
	CodeUsage         = 2
	CodeCacheNotSaved = 3
	CodeCredentials   = 4
	LifecycleFirst    = 20
	LifecycleLast     = 69
	CodeCancelled     = 130
)

// Code returns the exit code for the error of a command. Where an error says
// several things, a phase's own exit code comes first, and that somebody cancelled
// the command last.
func Code(err error) int {
	if err == nil {
		return CodeOK
	}
	if phase, ok := errors.AsType[*lifecycle.ExitError](err); ok && LifecycleFirst <= phase.Code && phase.Code <= LifecycleLast {
		return phase.Code
	}
	if _, ok := errors.AsType[*hint.UsageError](err); ok {
		return CodeUsage
	}
	if _, ok := errors.AsType[*platform.CacheNotSavedError](err); ok {
		return CodeCacheNotSaved
	}
	if isCredentials(err) {
		return CodeCredentials
	}
	if errors.Is(err, context.Canceled) {
		return CodeCancelled
	}
	return CodeFailure
}

// isCredentials says whether err is about credentials: one that could not be had,
// or a server that refused a request. A directory that this user may not use is not.
func isCredentials(err error) bool {
	if _, ok := errors.AsType[*trust.CredentialError](err); ok {
		return true
	}
	if cache, ok := errors.AsType[*platform.CacheNotReadError](err); ok {
		return cache.Denied
	}
	if errors.Is(err, layers.ErrDenied) {
		return !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EROFS)
	}
	answer, ok := errors.AsType[*transport.Error](err)
	return ok && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden)
}

// Print writes the error of a command to w, with the hints of all errors in its
// chain and without secrets, and returns the exit code. It writes nothing when
// there is no error.
func Print(w io.Writer, err error) int {
	code := Code(err)
	if code == CodeOK {
		return code
	}
	message := err.Error()
	if code == CodeCancelled {
		message = "cancelled"
	}
	var text strings.Builder
	writeLines(&text, "ERROR: ", message)
	for _, way := range hints(err) {
		writeLines(&text, "HINT: ", way)
	}
	// Nobody is left to tell that this failed.
	_, _ = io.WriteString(w, shorten.Words(redact.String(plain.Text(text.String()))))
	return code
}

// writeLines writes text with its first line prefixed and the others indented.
func writeLines(w io.Writer, prefix, text string) {
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		fmt.Fprintf(w, "%s%s\n", prefix, strings.TrimRight(line, "\r\n"))
		prefix = "      "
	}
}

// fewFiles is what becomes of any error when the process may open no more files;
// errors of other processes have no more than the words.
const fewFiles = "too many open files"

// hints returns the hints of err and of everything that it wraps, each once. What
// is wrong with the whole process goes before what an error thinks of it.
func hints(err error) []string {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || strings.Contains(err.Error(), fewFiles) {
		return []string{"raise the limit of open files, with `ulimit -n 4096` or in the settings of the service or container"}
	}
	return hint.All(err)
}
