package layers

import (
	"path"

	"github.com/buildpacks/lifecycle/launch"
)

// LayerID names one layer of one buildpack.
type LayerID struct {
	// Buildpack is the buildpack's ID, such as "samples/java-maven".
	Buildpack string
	// Layer is the layer's name, such as "maven_m2".
	Layer string
}

// String is how the lifecycle writes the ID: "samples/java-maven:maven_m2".
func (id LayerID) String() string { return id.Buildpack + ":" + id.Layer }

// Dir is the layer's directory relative to the layers directory: the buildpack
// ID with every "/" as "_", and the layer's name (CNB Platform specification,
// "Layers directory").
func (id LayerID) Dir() string { return path.Join(launch.EscapeID(id.Buildpack), id.Layer) }
