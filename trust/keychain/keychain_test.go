package keychain_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pack-cache/pack-cache/internal/test/testkeychain"
	"github.com/pack-cache/pack-cache/trust"
	"github.com/pack-cache/pack-cache/trust/keychain"
)

// environment returns a Getenv for the given variables alone.
func environment(variables map[string]string) func(string) string {
	return func(key string) string { return variables[key] }
}

// write makes a file with its directories.
func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

func TestFromTheEnvironment(t *testing.T) {
	t.Parallel()
	chain := keychain.New(keychain.Options{Getenv: environment(map[string]string{
		"CNB_REGISTRY_AUTH": `{
			"basic.example.com": "Basic ` + testkeychain.Basic("bob", "hunter2:x") + `",
			"https://url.example.com/some/path": "basic ` + strings.TrimRight(testkeychain.Basic("bob", "p"), "=") + `",
			"bearer.example.com:5000": "Bearer abc.def",
			"identity.example.com": "X-Identity refresh",
			"docker.io": "Bearer hub"
		}`,
	})})
	tests := map[string]authn.AuthConfig{
		"basic.example.com/a/b":       {Username: "bob", Password: "hunter2:x"},
		"BASIC.example.com/a/b":       {Username: "bob", Password: "hunter2:x"},
		"url.example.com/a":           {Username: "bob", Password: "p"},
		"bearer.example.com:5000/a":   {RegistryToken: "abc.def"},
		"bearer.example.com/a":        {},
		"bearer.example.com:5001/a":   {},
		"identity.example.com/a":      {IdentityToken: "refresh"},
		"acme/a":                      {RegistryToken: "hub"},
		"index.docker.io/acme/a":      {RegistryToken: "hub"},
		"evil.example.com/acme/a":     {},
		"basic.example.com.evil.io/a": {},
	}
	for repo, want := range tests {
		got, err := testkeychain.Find(t, chain, repo)
		if err != nil {
			t.Errorf("%s: %v", repo, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", repo, diff)
		}
	}
}

func TestFromABrokenEnvironment(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		`hunter2`, `{"r.example.com": "hunter2"`, `{"r.example.com": ["hunter2"]}`, `{"r.example.com": {"auth": "hunter2"}}`,
		`{"r.example.com": "hunter2"}`, `{"r.example.com": "Basic hunter2"}`, `{"r.example.com": "Digest hunter2"}`, `{"r.example.com": "Basic "}`,
	} {
		chain := keychain.New(keychain.Options{Getenv: environment(map[string]string{"CNB_REGISTRY_AUTH": value})})
		_, err := testkeychain.Find(t, chain, "r.example.com/a")
		testkeychain.WantCredentialError(t, err, "r.example.com", "CNB_REGISTRY_AUTH")
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows the value: %v", err)
		}
	}
}

func TestFromFiles(t *testing.T) {
	t.Parallel()
	docker := `{"auths": {
		"docker.example.com": {"auth": "` + testkeychain.Basic("bob", "docker") + `"},
		"docker.io": {"auth": "` + testkeychain.Basic("bob", "not-docker's") + `"},
		"https://index.docker.io/v1/": {"auth": "` + testkeychain.Basic("bob", "hub") + `"},
		"https://index.docker.io/v1/access-token": {"auth": "` + testkeychain.Basic("bob", "access") + `"},
		"https://index.docker.io/v1/refresh-token": {"auth": "` + testkeychain.Basic("bob", "refresh") + `"},
		"index.docker.io": {"auth": "` + testkeychain.Basic("bob", "not-docker's") + `"},
		"https://old.example.com/v2/": {"username": "bob", "password": "old"},
		"identity.example.com": {"auth": "` + testkeychain.Basic("00000000-0000-0000-0000-000000000000", "") + `", "identitytoken": "refresh"},
		"token.example.com": {"registrytoken": "bearer"},
		"both.example.com": {"auth": "` + testkeychain.Basic("bob", "docker") + `"},
		"empty.example.com": {},
		"spoilt.example.com": {"auth": "hunter2!"}
	}, "HttpHeaders": {"User-Agent": "Docker-Client"}, "proxies": {"default": {"httpProxy": "http://p"}}}`
	podman := `{"auths": {
		"podman.example.com": {"auth": "` + testkeychain.Basic("bob", "host") + `"},
		"podman.example.com/team": {"auth": "` + testkeychain.Basic("bob", "team") + `"},
		"podman.example.com/team/app": {"auth": "` + testkeychain.Basic("bob", "app") + `"},
		"both.example.com": {"auth": "` + testkeychain.Basic("bob", "podman") + `"}
	}}`
	dir := t.TempDir()
	write(t, filepath.Join(dir, "home", ".docker", "config.json"), docker, 0o600)
	write(t, filepath.Join(dir, "home", ".config", "containers", "auth.json"), podman, 0o600)
	write(t, filepath.Join(dir, "named", "config.json"), `{"auths": {"docker.example.com": {"auth": "`+testkeychain.Basic("bob", "named")+`"}}}`, 0o600)
	write(t, filepath.Join(dir, "run", "containers", "auth.json"), `{"auths": {"podman.example.com": {"auth": "`+testkeychain.Basic("bob", "run")+`"}}}`, 0o600)
	write(t, filepath.Join(dir, "auth.json"), `{"auths": {"podman.example.com": {"auth": "`+testkeychain.Basic("bob", "file")+`"}}}`, 0o600)
	home := filepath.Join(dir, "home")
	bob := func(password string) authn.AuthConfig {
		return authn.AuthConfig{Username: "bob", Password: password}
	}
	tests := []struct {
		name, repo string
		variables  map[string]string
		want       authn.AuthConfig
	}{
		{"docker", "docker.example.com/a/b", map[string]string{"HOME": home}, bob("docker")},
		{"another port", "docker.example.com:5000/a/b", map[string]string{"HOME": home}, authn.AuthConfig{}},
		{"hub", "acme/b", map[string]string{"HOME": home}, bob("hub")},
		{"URL", "old.example.com/b", map[string]string{"HOME": home}, bob("old")},
		{"identity token", "identity.example.com/b", map[string]string{"HOME": home},
			authn.AuthConfig{Username: "00000000-0000-0000-0000-000000000000", IdentityToken: "refresh"}},
		{"registry token", "token.example.com/b", map[string]string{"HOME": home}, authn.AuthConfig{RegistryToken: "bearer"}},
		{"empty entry", "empty.example.com/b", map[string]string{"HOME": home}, authn.AuthConfig{}},
		{"podman's host", "podman.example.com/b", map[string]string{"HOME": home}, bob("host")},
		{"podman's namespace", "podman.example.com/team/b", map[string]string{"HOME": home}, bob("team")},
		{"podman's repository", "podman.example.com/team/app", map[string]string{"HOME": home}, bob("app")},
		{"podman's repository and what lies in it", "podman.example.com/team/app/x", map[string]string{"HOME": home}, bob("app")},
		{"a namespace that only begins the same", "podman.example.com/teams/b", map[string]string{"HOME": home}, bob("host")},
		{"docker before podman", "both.example.com/b", map[string]string{"HOME": home}, bob("docker")},
		{"DOCKER_CONFIG", "docker.example.com/b", map[string]string{"HOME": home, "DOCKER_CONFIG": filepath.Join(dir, "named")}, bob("named")},
		{"DOCKER_CONFIG hides the home directory's", "acme/b", map[string]string{"HOME": home, "DOCKER_CONFIG": filepath.Join(dir, "named")}, authn.AuthConfig{}},
		{"DOCKER_CONFIG that does not exist", "docker.example.com/b", map[string]string{"HOME": home, "DOCKER_CONFIG": filepath.Join(dir, "none")}, authn.AuthConfig{}},
		{"XDG_RUNTIME_DIR", "podman.example.com/b", map[string]string{"HOME": home, "XDG_RUNTIME_DIR": filepath.Join(dir, "run")}, bob("run")},
		{"XDG_RUNTIME_DIR without the file", "podman.example.com/b", map[string]string{"HOME": home, "XDG_RUNTIME_DIR": dir}, bob("host")},
		{"XDG_CONFIG_HOME", "podman.example.com/b", map[string]string{"XDG_CONFIG_HOME": filepath.Join(dir, "run")}, bob("run")},
		{"REGISTRY_AUTH_FILE", "podman.example.com/b", map[string]string{"HOME": home, "REGISTRY_AUTH_FILE": filepath.Join(dir, "auth.json")}, bob("file")},
		{"DOCKER_AUTH_CONFIG", "docker.example.com/b", map[string]string{"HOME": home,
			"DOCKER_AUTH_CONFIG": `{"auths": {"docker.example.com": {"auth": "` + testkeychain.Basic("bob", "env") + `"}}}`}, bob("env")},
		{"DOCKER_AUTH_CONFIG and the rest", "acme/b", map[string]string{"HOME": home, "DOCKER_AUTH_CONFIG": `{"auths": {}}`}, bob("hub")},
		{"CNB_REGISTRY_AUTH before all", "docker.example.com/b", map[string]string{"HOME": home,
			"CNB_REGISTRY_AUTH": `{"docker.example.com": "Bearer cnb"}`}, authn.AuthConfig{RegistryToken: "cnb"}},
		{"a home that is not a directory", "docker.example.com/b", map[string]string{"HOME": "/dev/null"}, authn.AuthConfig{}},
		{"nothing at all", "docker.example.com/b", nil, authn.AuthConfig{}},
		{"an entry that is spoilt elsewhere", "docker.example.com/b", map[string]string{"HOME": home}, bob("docker")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			chain := keychain.New(keychain.Options{Getenv: environment(test.variables)})
			got, err := testkeychain.Find(t, chain, test.repo)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("an entry that is spoilt", func(t *testing.T) {
		t.Parallel()
		chain := keychain.New(keychain.Options{Getenv: environment(map[string]string{"HOME": home})})
		_, err := testkeychain.Find(t, chain, "spoilt.example.com/b")
		testkeychain.WantCredentialError(t, err, "spoilt.example.com", "config.json")
		if strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("the error shows the value: %v", err)
		}
	})
	t.Run("a file that is no JSON", func(t *testing.T) {
		t.Parallel()
		broken := t.TempDir()
		write(t, filepath.Join(broken, "config.json"), `{"auths": {"x": hunter2}}`, 0o600)
		chain := keychain.New(keychain.Options{Getenv: environment(map[string]string{"DOCKER_CONFIG": broken})})
		_, err := testkeychain.Find(t, chain, "r.example.com/b")
		testkeychain.WantCredentialError(t, err, "r.example.com", filepath.Join(broken, "config.json"))
		if strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("the error shows the content: %v", err)
		}
	})
}

// helpers makes a directory with credential helpers and a config.json that
// names them, and returns the environment for it.
func helpers(t *testing.T, config string, scripts map[string]string) (variables map[string]string, dir string) {
	t.Helper()
	dir = t.TempDir()
	for suffix, script := range scripts {
		write(t, filepath.Join(dir, "bin", "docker-credential-"+suffix), "#!/bin/sh\n"+script, 0o755)
	}
	write(t, filepath.Join(dir, "config.json"), config, 0o600)
	return map[string]string{"DOCKER_CONFIG": dir, "PATH": "bin:" + filepath.Join(dir, "bin")}, dir
}

func TestFromHelpers(t *testing.T) {
	t.Parallel()
	config := `{
		"credsStore": "store",
		"credHelpers": {
			"own.example.com": "own", "token.example.com:5000": "token", "https://url.example.com": "own",
			"missing.example.com": "missing", "failing.example.com": "failing", "leaking.example.com": "leaking",
			"garbage.example.com": "garbage", "path.example.com": "../bin/own", "none.example.com": "none", "wordy.example.com": "wordy"
		},
		"auths": {"inline.example.com": {"auth": "` + testkeychain.Basic("bob", "inline") + `"}, "stored.example.com": {}}
	}`
	variables, dir := helpers(t, config, map[string]string{
		"store": `read host || true
			case $host in
			stored.example.com) echo '{"ServerURL":"x","Username":"bob","Secret":"stored"}';;
			https://index.docker.io/v1/) echo '{"Username":"bob","Secret":"hub"}';;
			*) echo 'credentials not found in native keychain'; exit 1;;
			esac`,
		"own":     `test "$1" = get && printf '{"Username":"bob","Secret":"%s"}' "own-$(cat)"`,
		"token":   `echo '{"Username":"<token>","Secret":"refresh"}'`,
		"failing": `echo 'the vault is locked'; exit 3`,
		"leaking": `echo '{"Username":"bob","Secret":"hunter2"}'; exit 3`,
		"garbage": `echo hunter2`,
		"wordy":   `echo 'retrying' >&2; printf 'token expired\nAuthorization: Bearer hunter2hunter2\nrun \033[1macme login' >&2; exit 1`,
		"none":    `echo '{}'`,
	})
	chain := keychain.New(keychain.Options{Getenv: environment(variables)})
	good := map[string]authn.AuthConfig{
		"own.example.com/a":        {Username: "bob", Password: "own-own.example.com"},
		"url.example.com/a":        {Username: "bob", Password: "own-url.example.com"},
		"token.example.com:5000/a": {IdentityToken: "refresh"},
		"stored.example.com/a":     {Username: "bob", Password: "stored"},
		"acme/a":                   {Username: "bob", Password: "hub"},
		"inline.example.com/a":     {Username: "bob", Password: "inline"},
		"other.example.com/a":      {},
		"none.example.com/a":       {},
	}
	for repo, want := range good {
		got, err := testkeychain.Find(t, chain, repo)
		if err != nil {
			t.Errorf("%s: %v", repo, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", repo, diff)
		}
	}
	bad := map[string][]string{
		"missing.example.com": {"docker-credential-missing", "cannot be run", filepath.Join(dir, "config.json")},
		"failing.example.com": {"docker-credential-failing", "the vault is locked", "exit status 3"},
		"leaking.example.com": {"docker-credential-leaking", "exit status 3"},
		"garbage.example.com": {"docker-credential-garbage", "cannot be used"},
		"wordy.example.com":   {"docker-credential-wordy", "exit status 1", "token expired; Authorization: [redacted]; run  [1macme login"},
		"path.example.com":    {"cannot be run"},
	}
	for host, words := range bad {
		_, err := testkeychain.Find(t, chain, host+"/a")
		testkeychain.WantCredentialError(t, err, append(words, host)...)
		if strings.Contains(fmt.Sprint(err), "hunter2") {
			t.Errorf("the error shows the secret: %v", err)
		}
	}
}

// TestKeychainWaitsForAHelper says what it waits for, and does not wait for ever.
func TestWaitsForAHelper(t *testing.T) {
	t.Parallel()
	variables, _ := helpers(t, `{"credsStore": "slow"}`, map[string]string{"slow": `echo 'unlock the vault' >&2; exec sleep 600`})
	var mu sync.Mutex
	var said []string
	chain := keychain.New(keychain.Options{Getenv: environment(variables), HelperLimit: 4 * time.Second, Say: func(line string) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, line)
	}})
	_, err := testkeychain.Find(t, chain, "r.example.com/a")
	testkeychain.WantCredentialError(t, err, "docker-credential-slow", "gave no answer", "stopped after 4s", "unlock the vault")
	known, _ := errors.AsType[*trust.CredentialError](err)
	if strings.Contains(known.Hint(), "install") || !strings.Contains(known.Hint(), "try it with `echo r.example.com | docker-credential-slow get`") {
		t.Errorf("hint %q", known.Hint())
	}
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff([]string{"Waiting for docker-credential-slow, for at most 4s"}, said); diff != "" {
		t.Error(diff)
	}
}

// A directory of the search path that is relative would be one of the source
// tree.
func TestRunsNoHelperOfTheWorkingDirectory(t *testing.T) {
	variables, dir := helpers(t, `{"credsStore": "own"}`, map[string]string{"own": `echo '{"Username":"evil","Secret":"x"}'`})
	t.Chdir(dir)
	variables["PATH"] = "bin:./bin::."
	_, err := testkeychain.Find(t, keychain.New(keychain.Options{Getenv: environment(variables)}), "r.example.com/a")
	testkeychain.WantCredentialError(t, err, "docker-credential-own")
}

func TestAsksAHelperOnce(t *testing.T) {
	t.Parallel()
	variables, dir := helpers(t, `{"credsStore": "count"}`, map[string]string{
		"count": `echo x >>"$(dirname "$0")/../count"; echo '{"Username":"bob","Secret":"s"}'`,
	})
	chain := keychain.New(keychain.Options{Getenv: environment(variables)})
	if _, err := os.Stat(filepath.Join(dir, "count")); err == nil {
		t.Error("the helper ran before it was asked")
	}
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			if _, err := chain.Resolve(testkeychain.Repository(t, fmt.Sprintf("r%d.example.com/a%d", i%2, i))); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if count, _ := os.ReadFile(filepath.Join(dir, "count")); len(count) != len("x\nx\n") {
		t.Errorf("the helper ran %d times for two hosts", len(count)/2)
	}
}

func TestObservesTheContext(t *testing.T) {
	t.Parallel()
	variables, dir := helpers(t, `{"credsStore": "slow"}`, map[string]string{
		"slow": `dir=$(dirname "$0")
			if test -e "$dir/again"; then echo '{"Username":"bob","Secret":"s"}'; exit; fi
			touch "$dir/again" "$dir/started"; exec sleep 60`,
	})
	chain := keychain.New(keychain.Options{Getenv: environment(variables)})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(dir, "bin", "started")); err == nil {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	_, err := authn.Resolve(ctx, chain, testkeychain.Repository(t, "r.example.com/a"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	var known *trust.CredentialError
	if errors.As(err, &known) {
		t.Error("a cancelled helper is reported as a credential error")
	}
	// The failure was not the helper's, and is not remembered.
	if got, err := testkeychain.Find(t, chain, "r.example.com/a"); err != nil || got.Password != "s" {
		t.Error(got, err)
	}
}
