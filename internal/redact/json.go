package redact

import (
	"encoding/json"
	"errors"
	"fmt"
)

// JSONError describes what is wrong with JSON without showing what it says,
// since that may be a secret.
func JSONError(err error) error {
	if err == nil {
		return nil
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("not valid JSON at byte %d", syntax.Offset)
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("JSON of an unexpected form at byte %d", kind.Offset)
	}
	return errors.New("not valid JSON")
}
