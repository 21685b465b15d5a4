package azblob

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"github.com/pack-cache/pack-cache/internal/redact"
	"github.com/pack-cache/pack-cache/layers/objects"
)

// failed turns an error of the SDK into one of package objects. Those of the SDK
// are long and show URLs, of which a signature can be a part.
func failed(err error) error {
	if err == nil {
		return nil
	}
	answer, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok {
		return &objects.Error{Cause: bare(err)}
	}
	e := &objects.Error{Status: answer.StatusCode, Code: answer.ErrorCode}
	e.Unmet = e.Code == string(bloberror.BlobAlreadyExists)
	switch e.Status {
	case http.StatusForbidden, http.StatusUnauthorized:
		e.Hint = "check the key or the signature; an identity needs the role Storage Blob Data Reader or, to export, Storage Blob Data Contributor; " +
			"a signature needs the rights to read (r) and, to export, to write (w), create (c) and delete (d)"
	}
	return e
}

// bare takes URLs out of an error of net/http.
func bare(err error) error {
	for {
		inner, ok := errors.AsType[*url.Error](err)
		if !ok {
			return err
		}
		err = inner.Err
	}
}

// words are a message on one line, without secrets, cut short.
func words(message string) string {
	fields := slices.DeleteFunc(strings.Fields(redact.String(message)), func(field string) bool {
		return strings.Trim(field, "-") == "" // the SDK draws lines
	})
	text := []rune(strings.Join(fields, " "))
	return string(text[:min(len(text), 500)])
}
