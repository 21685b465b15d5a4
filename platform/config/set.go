package config

import (
	"maps"
	"slices"
)

// Keys of the configuration.
const (
	defaultBuilderKey  = "default-builder-image"
	lifecycleImageKey  = "lifecycle-image"
	pullPolicyKey      = "pull-policy"
	runImagesKey       = "run-images"
	registryMirrorsKey = "registry-mirrors"
	trustedKey         = "trusted-builders"
)

// SetDefaultBuilder names the builder of builds that name none, "" for no more.
// Save writes it.
func (c *File) SetDefaultBuilder(builder string) {
	c.DefaultBuilder = builder
	c.set(defaultBuilderKey, builder)
}

// SetLifecycleImage names the image that pack takes the lifecycle from, "" for
// pack's own. Save writes it.
func (c *File) SetLifecycleImage(image string) {
	c.LifecycleImage = image
	c.set(lifecycleImageKey, image)
}

// SetPullPolicy sets the pull policy, "" for the default. Save writes it.
func (c *File) SetPullPolicy(policy string) {
	c.PullPolicy = policy
	c.set(pullPolicyKey, policy)
}

func (c *File) set(key, value string) {
	c.changes = append(c.changes, setValue(key, value))
}

// SetRegistryMirror has what is in a registry read from a mirror; "" removes the
// registry's. Save writes it.
func (c *File) SetRegistryMirror(registry, mirror string) {
	c.RegistryMirrors = maps.Clone(c.RegistryMirrors)
	if c.RegistryMirrors == nil {
		c.RegistryMirrors = map[string]string{}
	}
	if mirror == "" {
		delete(c.RegistryMirrors, registry)
	} else {
		c.RegistryMirrors[registry] = mirror
	}
	c.changes = append(c.changes, setMirror(registry, mirror))
}

// AddRunImageMirrors adds mirrors to those of a run image. Save writes them,
// sorted.
func (c *File) AddRunImageMirrors(image string, mirrors ...string) {
	c.changeMirrors(image, func(old []string) []string {
		return slices.Compact(slices.Sorted(slices.Values(slices.Concat(old, mirrors))))
	})
}

// RemoveRunImageMirrors removes some of the mirrors of a run image, or all if
// none are named. Save writes what is left.
func (c *File) RemoveRunImageMirrors(image string, mirrors ...string) {
	c.changeMirrors(image, func(old []string) []string {
		if len(mirrors) == 0 {
			return nil
		}
		return slices.DeleteFunc(slices.Clone(old), func(m string) bool { return slices.Contains(mirrors, m) })
	})
}

func (c *File) changeMirrors(image string, decide func([]string) []string) {
	c.RunImages = slices.Clone(c.RunImages)
	i := slices.IndexFunc(c.RunImages, func(r RunImage) bool { return r.Image == image })
	if i < 0 {
		i, c.RunImages = len(c.RunImages), append(c.RunImages, RunImage{Image: image})
	}
	c.RunImages[i].Mirrors = decide(c.RunImages[i].Mirrors)
	if len(c.RunImages[i].Mirrors) == 0 {
		c.RunImages = slices.Delete(c.RunImages, i, i+1)
	}
	c.changes = append(c.changes, setRunImage(image, decide))
}
