package layers

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pack-cache/pack-cache/layers/archive"
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
	// unusableState holds the digests of blobs that could not be restored.
	unusableState = "unusable"
	// framesState holds frames of the blob.
	framesState = "frames"
)

// writeFingerprint keeps the fingerprint for the save that follows.
func writeFingerprint(stateDir string, f *archive.Fingerprint) error {
	return writeState(stateDir, f.Dir, fingerprintState, f.Encode())
}

// readFingerprint returns the fingerprint of a layer directory, nil if there is
// none that can be used.
func readFingerprint(stateDir, dir string) *archive.Fingerprint {
	if stateDir == "" {
		return nil
	}
	data, err := os.ReadFile(stateFile(stateDir, dir, fingerprintState))
	if err != nil {
		return nil
	}
	f, err := archive.DecodeFingerprint(data)
	if err != nil || f.Dir != dir {
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

// forgetFingerprint removes the fingerprint of a layer directory.
func forgetFingerprint(stateDir, dir string) error {
	if stateDir == "" {
		return nil
	}
	if err := os.Remove(stateFile(stateDir, dir, fingerprintState)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Remove(stateFile(stateDir, dir, framesState)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// noteUnusable makes the next save store the layer anew, should the build make
// the same one again, also if another snapshot could give it.
func noteUnusable(stateDir, dir string, layer Layer, err error) error {
	if stateDir == "" || !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrNotFound) {
		return nil
	}
	known := append(readUnusable(stateDir, dir), layer.Digests()...)
	return writeState(stateDir, dir, unusableState, []byte(strings.Join(known, "\n")))
}

// readUnusable returns the digests of the blobs that the layer could not be
// restored from.
func readUnusable(stateDir, dir string) []string {
	if stateDir == "" {
		return nil
	}
	digests, err := os.ReadFile(stateFile(stateDir, dir, unusableState))
	if err != nil {
		return nil
	}
	return strings.Split(string(digests), "\n")
}
