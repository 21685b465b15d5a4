package phases

import (
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pack-cache/pack-cache/trust"
)

// credentials returns the reference of an image and the keychain for it, which has a
// credential for nothing else. An image that the phase's grant is not for is refused. The
// lifecycle's libraries ask a keychain about registries only, so each of them
// gets one for the image that it is about to use.
func (j *job) credentials(reference string, access func(name.Repository) trust.Access) (name.Reference, authn.Keychain, error) {
	ref, err := name.ParseReference(reference, name.WeakValidation)
	if err != nil {
		return nil, nil, err
	}
	wanted := access(ref.Context())
	if j.Grant == nil || !j.Grant.Scope().Includes(trust.Scope{wanted}) {
		return nil, nil, fmt.Errorf("%s: %w", reference, &trust.OutsideError{Resource: wanted.Repository})
	}
	return ref, trust.At(j.keychain, ref.Context()), nil
}
