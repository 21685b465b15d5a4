package gha

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/internal/bounds"
)

// head begins the entry of a snapshot: a line with magic and the length of the
// JSON that follows, the JSON, and then the small blobs.
type head struct {
	MediaType string `json:"mediaType"`
	Manifest  []byte `json:"manifest"`
	// Blobs says where the blobs of the manifest are, by digest.
	Blobs map[string]place `json:"blobs"`
}

// place is where a blob is.
type place struct {
	// Entry is the key of the entry; in a head that was not placed yet, "" is
	// the entry that the head itself begins, and Offset counts from the end of
	// the head.
	Entry  string `json:"entry,omitempty"`
	Offset int64  `json:"offset,omitempty"`
	// Size is in bytes; -1 if it is not known, because the blob is all of the
	// entry.
	Size int64 `json:"size"`
}

const (
	headMagic = "pack-cache 1 "
	// headLine is the length of the first line: magic, eight hexadecimal digits,
	// and the line's end.
	headLine = len(headMagic) + 8 + 1
	// maxHead is how long a head may be, whose manifest may have 4 MiB.
	maxHead = 16 << 20
)

var errNoHead = errors.New("it is not what pack-cache writes")

// encode is the beginning of an entry.
func (h *head) encode() ([]byte, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	if len(text) > maxHead {
		return nil, fmt.Errorf("the manifest is too large: %d bytes", len(h.Manifest))
	}
	return append(fmt.Appendf(nil, "%s%08x\n", headMagic, len(text)), text...), nil
}

// headSize reads from the first headLine bytes of an entry how long the head is,
// that line included.
func headSize(line []byte) (int64, error) {
	if len(line) < headLine || !bytes.HasPrefix(line, []byte(headMagic)) || line[headLine-1] != '\n' {
		return 0, errNoHead
	}
	size, err := strconv.ParseUint(string(line[len(headMagic):headLine-1]), 16, 32)
	if err != nil || size > maxHead {
		return 0, errNoHead
	}
	return int64(headLine) + int64(size), nil
}

// decodeHead reads the head of the entry with the given key. content has all of
// it, and may have more.
func decodeHead(key string, content []byte) (*head, error) {
	size, err := headSize(content)
	if err != nil || int64(len(content)) < size {
		return nil, errNoHead
	}
	var h head
	if err := bounds.JSON(content[headLine:size], &h); err != nil {
		return nil, errNoHead
	}
	for digest, at := range h.Blobs {
		if _, err := v1.NewHash(digest); err != nil || at.Offset < 0 || at.Size < 0 || at.Offset > 1<<62 {
			return nil, errNoHead
		}
		if at.Entry == "" {
			at.Entry, at.Offset = key, at.Offset+size
			h.Blobs[digest] = at
		}
	}
	return &h, nil
}
