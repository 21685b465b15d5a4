package bounds

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Config is img.ConfigFile for an image that may be an enemy's. The error is an
// *Error if manifest or config are over a bound.
func Config(img v1.Image) (*v1.ConfigFile, error) {
	raw, err := img.RawManifest()
	if err == nil {
		err = CheckJSON(raw)
	}
	if err != nil {
		return nil, fmt.Errorf("the manifest: %w", err)
	}
	manifest, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	if manifest.Config.Size > MaxDocument { // nothing of it has been read yet
		return nil, fmt.Errorf("the config: %w", fits(MaxDocument+1))
	}
	config, err := img.RawConfigFile()
	if err == nil {
		err = CheckJSON(config)
	}
	if err != nil {
		return nil, fmt.Errorf("the config: %w", err)
	}
	return img.ConfigFile()
}
