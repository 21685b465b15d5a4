package layers

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// stateFile is where something about a layer directory is kept in a state
// directory. Layer names can be as long as file names, so they are hashed.
func stateFile(stateDir, dir, kind string) string {
	sum := sha256.Sum256([]byte(dir))
	return filepath.Join(stateDir, hex.EncodeToString(sum[:16])+"."+kind)
}

// The kinds of state files.
const (
	fingerprintState = "fingerprint"
	// unusableState holds the digest of a blob that could not be restored.
	unusableState = "unusable"
)

// writeFingerprint keeps the fingerprint for the save that follows.
func writeFingerprint(stateDir string, f *fingerprint) error {
	return writeState(stateDir, f.dir, fingerprintState, f.encode())
}

// readFingerprint returns the fingerprint of a layer directory, nil if there is
// none that can be used.
func readFingerprint(stateDir, dir string) *fingerprint {
	if stateDir == "" {
		return nil
	}
	data, err := os.ReadFile(stateFile(stateDir, dir, fingerprintState))
	if err != nil {
		return nil
	}
	f, err := decodeFingerprint(data)
	if err != nil || f.dir != dir {
		return nil
	}
	return f
}

func writeState(stateDir, dir, kind string, data []byte) error {
	if err := os.MkdirAll(stateDir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(stateFile(stateDir, dir, kind), data, 0o600)
}

// forget removes what a state directory has on a layer directory.
func forget(stateDir, dir string) error {
	if stateDir == "" {
		return nil
	}
	var errs []error
	for _, kind := range []string{fingerprintState, unusableState} {
		if err := os.Remove(stateFile(stateDir, dir, kind)); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// noteUnusable makes the next save store the layer anew, should the build make
// the same one again.
func noteUnusable(stateDir, dir string, blob v1.Descriptor, err error) error {
	if stateDir == "" || !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNotFound) {
		return nil
	}
	return writeState(stateDir, dir, unusableState, []byte(blob.Digest.String()))
}

// readUnusable returns the digest of the blob that could not be restored, "" if
// there was none.
func readUnusable(stateDir, dir string) string {
	if stateDir == "" {
		return ""
	}
	digest, err := os.ReadFile(stateFile(stateDir, dir, unusableState))
	if err != nil {
		return ""
	}
	return string(digest)
}
