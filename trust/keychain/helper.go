package keychain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/docker/docker-credential-helpers/credentials"
	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/trust"
)

// tokenUser is the user name with which a helper says that the secret is an
// identity token.
const tokenUser = "<token>"

// helperPatience is how long a helper that was told to stop may keep its output
// open.
const helperPatience = 2 * time.Second

// helperQuiet is after what time the user is told what is waited for.
const helperQuiet = 3 * time.Second

// maxHelperOutput is how much of a helper's output is read.
const maxHelperOutput = 1 << 20

// helperRunner runs credential helpers.
type helperRunner struct {
	searchPath string
	say        func(string)
	limit      time.Duration
}

// askHelper runs a credential helper by its protocol: the registry on stdin, a
// JSON object on stdout
// (https://github.com/docker/docker-credential-helpers#development). No
// credential is no error.
func (f *authFile) askHelper(ctx context.Context, suffix, host string) (trust.Credential, error) {
	program := "docker-credential-" + suffix
	failed := func(reason, remedy string, err error) (trust.Credential, error) {
		return trust.Credential{}, &trust.CredentialError{
			Host: host, Err: err,
			Reason: "the credential helper " + program + ", which " + f.path + " names, " + reason,
			Remedy: remedy + ", or take it out of " + f.path +
				" (credsStore or credHelpers) and log in again; " + registryAuth + " does without it",
		}
	}
	path, err := findHelper(f.runner.searchPath, program)
	if err != nil {
		return failed("cannot be run", "install "+program+" on the PATH", err)
	}
	tryIt := fmt.Sprintf("try it with `echo %s | %s get`", helperKey(host), program)
	stdout, stderr, err := f.runner.run(ctx, path, helperKey(host))
	switch {
	case ctx.Err() != nil:
		return trust.Credential{}, ctx.Err()
	case errors.Is(err, errHelperLimit):
		return failed("gave no answer", tryIt, errors.Join(err, helperWords(stderr)))
	case err != nil && credentials.IsErrCredentialsNotFoundMessage(string(stdout)):
		return trust.Credential{}, nil
	case err != nil:
		return failed("failed", tryIt, errors.Join(err, helperMessage(string(stdout)), helperWords(stderr)))
	}
	var answer credentials.Credentials
	if err := redact.JSONError(json.Unmarshal(stdout, &answer)); err != nil {
		return failed("gave an answer that cannot be used", tryIt, errors.Join(err, helperWords(stderr)))
	}
	if answer.Username == tokenUser {
		return trust.NewCredential(authn.AuthConfig{IdentityToken: answer.Secret}), nil
	}
	if answer.Secret == "" {
		return trust.Credential{}, nil
	}
	return trust.NewCredential(authn.AuthConfig{Username: answer.Username, Password: answer.Secret}), nil
}

// errHelperLimit says that a helper took too long.
var errHelperLimit = errors.New("it took too long")

// run runs a helper, and says what is waited for when that takes a while.
func (r helperRunner) run(ctx context.Context, path, input string) (stdout, stderr []byte, err error) {
	ctx, stop := context.WithTimeoutCause(ctx, r.limit, errHelperLimit)
	defer stop()
	if r.say != nil {
		timer := time.AfterFunc(helperQuiet, func() {
			r.say(fmt.Sprintf("Waiting for %s, for at most %s", filepath.Base(path), r.limit))
		})
		defer timer.Stop()
	}
	cmd := exec.CommandContext(ctx, path, "get")
	cmd.WaitDelay = helperPatience
	cmd.Stdin = strings.NewReader(input)
	var out, words bounded
	cmd.Stdout, cmd.Stderr = &out, &words
	err = cmd.Run()
	if err != nil && errors.Is(context.Cause(ctx), errHelperLimit) {
		err = fmt.Errorf("%w: stopped after %s", errHelperLimit, r.limit)
	}
	return out.Bytes(), words.Bytes(), err
}

// bounded keeps the beginning of what is written.
type bounded struct{ bytes.Buffer }

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), maxHelperOutput-b.Len())])
	return len(p), nil
}

// helperMessage returns what a helper that failed says about it, which is
// ordinary text on stdout by the protocol. Anything else may be a secret.
func helperMessage(stdout string) error {
	line, _, _ := strings.Cut(strings.TrimSpace(stdout), "\n")
	if line == "" || len(line) > 200 || strings.ContainsAny(line, "{}") {
		return nil
	}
	return errors.New(redact.String(line))
}

// helperWords returns the last lines that a helper wrote for people.
func helperWords(stderr []byte) error {
	const most, longest = 3, 300
	lines := strings.Split(strings.TrimSpace(string(stderr)), "\n")
	var words []string
	for _, line := range lines[max(0, len(lines)-most):] {
		line = strings.TrimSpace(strings.Map(func(r rune) rune {
			if unicode.IsPrint(r) {
				return r
			}
			return ' '
		}, strings.ToValidUTF8(line, "?")))
		if line != "" {
			words = append(words, redact.String(string([]rune(line)[:min(len([]rune(line)), longest)])))
		}
	}
	if len(words) == 0 {
		return nil
	}
	return errors.New(strings.Join(words, "; "))
}

// findHelper looks for a program in the absolute directories of a search path:
// what lies in the working directory may come from the source tree.
func findHelper(searchPath, program string) (string, error) {
	if strings.ContainsAny(program, "/\\") {
		return "", errors.New("its name contains a slash")
	}
	for _, dir := range filepath.SplitList(searchPath) {
		if !filepath.IsAbs(dir) {
			continue
		}
		if path, err := exec.LookPath(filepath.Join(dir, program)); err == nil {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}
