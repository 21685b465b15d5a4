package trust

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/docker/docker-credential-helpers/credentials"
	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/internal/redact"
)

// tokenUser is the user name with which a helper says that the secret is an
// identity token.
const tokenUser = "<token>"

// helperPatience is how long a helper that was told to stop may keep its output
// open.
const helperPatience = 2 * time.Second

// askHelper runs a credential helper by its protocol: the registry on stdin, a
// JSON object on stdout
// (https://github.com/docker/docker-credential-helpers#development). No
// credential is no error.
func (f *authFile) askHelper(ctx context.Context, suffix, host string) (credential, error) {
	program := "docker-credential-" + suffix
	failed := func(reason string, err error) (credential, error) {
		return credential{}, &CredentialError{
			Host: host, Err: err,
			Reason: "the credential helper " + program + ", which " + f.path + " names, " + reason,
			Remedy: "install " + program + " on the PATH, or take it out of " + f.path +
				" (credsStore or credHelpers) and log in again; " + registryAuth + " does without it",
		}
	}
	path, err := findHelper(f.searchPath, program)
	if err != nil {
		return failed("cannot be run", err)
	}
	cmd := exec.CommandContext(ctx, path, "get")
	cmd.WaitDelay = helperPatience
	cmd.Stdin = strings.NewReader(helperKey(host))
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	runErr := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return credential{}, ctx.Err()
	case runErr != nil && credentials.IsErrCredentialsNotFoundMessage(stdout.String()):
		return credential{}, nil
	case runErr != nil:
		return failed("failed", errors.Join(runErr, helperMessage(stdout.String())))
	}
	var answer credentials.Credentials
	if err := jsonError(json.Unmarshal(stdout.Bytes(), &answer)); err != nil {
		return failed("gave an answer that cannot be used", err)
	}
	if answer.Username == tokenUser {
		return newCredential(authn.AuthConfig{IdentityToken: answer.Secret}), nil
	}
	if answer.Secret == "" {
		return credential{}, nil
	}
	return newCredential(authn.AuthConfig{Username: answer.Username, Password: answer.Secret}), nil
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

// findHelper looks for a program in the absolute directories of a search path:
// what lies in the working directory may come from the source tree.
func findHelper(searchPath, program string) (string, error) {
	if strings.ContainsAny(program, "/\\") {
		return "", errors.New("its name is a path")
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
