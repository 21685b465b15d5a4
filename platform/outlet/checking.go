package outlet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// checking is a blob whose content is checked against its digest.
type checking struct {
	want v1.Hash
	hash hash.Hash
}

// open opens the blob.
func (c *checking) open(from func() (io.ReadCloser, error)) (io.ReadCloser, error) {
	reader, err := from()
	if err != nil {
		return nil, err
	}
	c.hash = sha256.New()
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(reader, c.hash), reader}, nil
}

// check fails if what has been read was something else.
func (c *checking) check() error {
	if got := hex.EncodeToString(c.hash.Sum(nil)); got != c.want.Hex {
		return fmt.Errorf("blob %s has digest sha256:%s", c.want, got)
	}
	return nil
}
