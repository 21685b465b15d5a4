package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// ErrCorrupt says that bytes are not what their digest promises, or that they
// are not an archive that may be unpacked.
var ErrCorrupt = errors.New("corrupt")

// verifier passes bytes on and ends with ErrCorrupt instead of io.EOF if they
// are not those of want.
type verifier struct {
	from io.Reader
	want v1.Descriptor
	hash hash.Hash
	read int64
}

func newVerifier(from io.Reader, want v1.Descriptor) *verifier {
	return &verifier{from: from, want: want, hash: sha256.New()}
}

// Read implements io.Reader.
func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.from.Read(p)
	v.hash.Write(p[:n])
	v.read += int64(n)
	if v.read > v.want.Size {
		return n, fmt.Errorf("blob %s has more than its %d bytes: %w", v.want.Digest, v.want.Size, ErrCorrupt)
	}
	if err == io.EOF { // and nothing that wraps it: that is a connection that broke
		if sumErr := v.check(); sumErr != nil {
			return n, sumErr
		}
	}
	return n, err
}

func (v *verifier) check() error {
	if v.read != v.want.Size {
		return fmt.Errorf("blob %s has %d bytes instead of %d: %w", v.want.Digest, v.read, v.want.Size, ErrCorrupt)
	}
	if got := HashOf(v.hash); got != v.want.Digest {
		return fmt.Errorf("blob %s has digest %s: %w", v.want.Digest, got, ErrCorrupt)
	}
	return nil
}

// HashOf is the digest of what was written to a sha256.
func HashOf(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}

// DigestOf is the sha256 digest of data.
func DigestOf(data []byte) v1.Hash {
	sum := sha256.Sum256(data)
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
}
