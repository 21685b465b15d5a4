package gha

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	// keyPrefix begins all keys.
	keyPrefix = "pack-cache-"
	// entryVersion is what the service calls the version of an entry: entries of
	// different versions do not see each other. It stands for the form in which
	// this package writes them.
	entryVersion = "140969b67bf5c807263551539339caf5fb6069788e0dd03d4493e23e5e969095"
	// maxName is how long a name can be in a key, of whose 512 characters there
	// have to be some for the rest.
	maxName = 440
)

// namePrefix begins the keys of a name's entries, and of no others: an escaped
// name has no "#".
func namePrefix(name string) string { return keyPrefix + escape(name) + "#" }

// escape writes a name with what a key may have. Services do not tell upper from
// lower case, and keys have no commas.
func escape(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.IndexByte("-._/:@", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "~%02x", c)
		}
	}
	if b.Len() > maxName {
		sum := sha256.Sum256([]byte(name))
		return "~long-" + hex.EncodeToString(sum[:])
	}
	return b.String()
}

// unescape is the name that escape has written, and whether it can be told.
func unescape(escaped string) (string, bool) {
	var b strings.Builder
	for len(escaped) > 0 {
		if escaped[0] != '~' {
			b.WriteByte(escaped[0])
			escaped = escaped[1:]
			continue
		}
		if len(escaped) < 3 {
			return "", false
		}
		c, err := hex.DecodeString(escaped[1:3])
		if err != nil {
			return "", false
		}
		b.WriteByte(c[0])
		escaped = escaped[3:]
	}
	return b.String(), true
}

// nameOf is the name that a key belongs to, and whether it belongs to one.
func nameOf(key string) (string, bool) {
	escaped, ok := strings.CutPrefix(strings.ToLower(key), keyPrefix)
	if !ok {
		return "", false
	}
	escaped, _, ok = strings.Cut(escaped, "#")
	if !ok {
		return "", false
	}
	return unescape(escaped)
}

// nextKey is the key of the entry that follows on another one, with the key and
// the manifest given; nothing follows on "". Further attempts are for keys that
// somebody has reserved and never used.
func nextKey(name, after string, manifest v1.Hash, attempt int) string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%s %s %d", strings.ToLower(after), manifest, attempt)))
	return namePrefix(name) + hex.EncodeToString(sum[:10])
}

// randomKey is a key of an entry of a name that nothing else has.
func randomKey(name string) string { return namePrefix(name) + strings.ToLower(rand.Text()) }

// blobKey is the key of a blob that is an entry of its own.
func blobKey(digest v1.Hash) string { return keyPrefix + "blob-" + digest.Algorithm + "-" + digest.Hex }

// streamKey is the key of a blob whose digest is not known yet.
func streamKey() string { return keyPrefix + "blob-" + strings.ToLower(rand.Text()) }
