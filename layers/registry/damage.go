package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pack-cache/pack-cache/layers"
)

// damaged says that what a registry has under a name is broken. claims are what
// its digest may be.
func damaged(where, what string, claims ...string) error {
	found := &layers.DamagedError{Where: where, What: what}
	for _, claim := range claims {
		if h, err := v1.NewHash(claim); err == nil {
			found.Digest = h
		}
	}
	return found
}

// asDamaged makes a *layers.DamagedError of a failure to read a manifest, if the
// registry knows the tag and has lost its manifest, or if it cannot read the
// manifest itself. A digest that is not there was never a cache's name.
func asDamaged(where, name string, err error) error {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		return err
	}
	_, notTag := v1.NewHash(name)
	switch {
	case f.status == http.StatusNotFound && f.revision != "" && notTag != nil:
		return damaged(where, "its manifest "+f.revision+" is lost")
	case f.status == http.StatusInternalServerError && strings.HasPrefix(f.said, "UNKNOWN"):
		return damaged(where, "the registry cannot read its manifest: "+f.Error(), unreadable(name).String(), name)
	}
	return err
}

// unreadable stands for the manifest of a name that the registry cannot read
// itself, so that nobody can know its digest.
func unreadable(name string) v1.Hash {
	sum := sha256.Sum256([]byte("unreadable " + name))
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum[:])}
}

// lostRevision reads from the body of an error which manifest a tag stands for
// that is not there, "" if it does not say. The project "distribution" says so,
// and says something else where there is no such tag.
func lostRevision(body []byte) string {
	var said struct {
		Errors []struct {
			Code   string
			Detail json.RawMessage
		}
	}
	if json.Unmarshal(body, &said) != nil {
		return ""
	}
	for _, e := range said.Errors {
		var detail struct{ Revision v1.Hash }
		if e.Code == "MANIFEST_UNKNOWN" && json.Unmarshal(e.Detail, &detail) == nil && detail.Revision != (v1.Hash{}) {
			return detail.Revision.String()
		}
	}
	return ""
}
