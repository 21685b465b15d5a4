package phases

import (
	"errors"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// deniedByRegistry reports whether a registry answered 401 or 403.
func deniedByRegistry(err error) bool {
	t, ok := errors.AsType[*transport.Error](err)
	return ok && (t.StatusCode == http.StatusUnauthorized || t.StatusCode == http.StatusForbidden)
}
