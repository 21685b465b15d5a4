package platform

import "github.com/pack-cache/pack-cache/internal/reference"

// CheckReference fails with a *hint.UsageError if something that the user wrote is not
// an image reference. what is what it was given for.
func CheckReference(what, written string) error {
	_, err := reference.Parse(what, written, nil)
	return err
}
