package extra

import (
	"archive/tar"
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/internal/tarfile"
)

// Additions are what is laid over a builder. The zero value is nothing.
type Additions struct {
	// Layers go on top of the builder's, lowest first: buildpacks, and the order.
	Layers []v1.Layer
	// Outside are the buildpacks that do not come from the builder, as
	// ID@VERSION in the order of the request.
	Outside []string

	spool *spool
}

// Apply returns a builder image with the additions laid over it. It is made in
// memory and stored nowhere; its layers can be read until Close.
func (a *Additions) Apply(base v1.Image) (v1.Image, error) {
	if len(a.Layers) == 0 {
		return base, nil
	}
	img, err := mutate.AppendLayers(base, a.Layers...)
	if err != nil {
		return nil, fmt.Errorf("lay buildpacks over the builder: %w", err)
	}
	return img, nil
}

// Close gives up the files behind the layers. It is idempotent.
func (a *Additions) Close() error {
	if a.spool == nil {
		return nil
	}
	return a.spool.close()
}

// lay puts the layers of what was found, by x for image extensions, and the order
// on top of each other.
func (r *resolver) lay(order builder.Order, x *resolver) (*Additions, error) {
	a := &Additions{spool: r.spool}
	for _, found := range []*resolver{r, x} {
		if err := found.layFound(a); err != nil {
			return nil, err
		}
	}
	content, err := orderFile(order, r.extensions)
	if err != nil {
		return nil, err
	}
	top, err := smallLayer([]string{"cnb/order.toml"}, content)
	if err != nil {
		return nil, err
	}
	a.Layers = append(a.Layers, top)
	r.progress.Debug("Order: " + describe(order))
	if len(r.extensions) > 0 {
		r.progress.Debug("Order of image extensions: " + describe(r.extensions))
	}
	return a, nil
}

// layFound adds the layers of what was found. What the builder has is not laid
// again; where two have one name and version, the later one takes the place of
// the other.
func (r *resolver) layFound(a *Additions) error {
	laid := map[string]bool{}    // diffIDs
	there := map[string]string{} // diffID by name, "" if unknown
	for id, versions := range r.modules {
		for version, m := range versions {
			laid[m.LayerDiffID] = m.LayerDiffID != ""
			there[id+"@"+version] = m.LayerDiffID
		}
	}
	for _, m := range r.found {
		if laid[m.LayerDiffID] {
			continue
		}
		laid[m.LayerDiffID] = true
		var hidden []string
		for _, other := range r.found {
			old, known := there[other.name()]
			if other.LayerDiffID != m.LayerDiffID || known && old == m.LayerDiffID {
				continue
			}
			there[other.name()] = m.LayerDiffID
			if !slices.Contains(a.Outside, other.name()) {
				a.Outside = append(a.Outside, other.name())
			}
			if known {
				r.progress.Warn(fmt.Sprintf("%s %s replaces another one with the same name and version", r.of.word, other.name()))
				hidden = append(hidden, path.Join(r.of.dir, escape(other.id), ".wh."+other.version))
			}
		}
		if len(hidden) > 0 {
			whiteouts, err := smallLayer(hidden, nil)
			if err != nil {
				return err
			}
			a.Layers = append(a.Layers, whiteouts)
		}
		a.Layers = append(a.Layers, m.layer)
	}
	return nil
}

// orderFile is order.toml (CNB Platform specification, "order.toml").
func orderFile(order, extensions builder.Order) ([]byte, error) {
	var content bytes.Buffer
	err := toml.NewEncoder(&content).Encode(struct {
		Order      builder.Order `toml:"order"`
		Extensions builder.Order `toml:"order-extensions,omitempty"`
	}{order, extensions})
	return content.Bytes(), err
}

// describe writes an order on one line.
func describe(order builder.Order) string {
	var groups []string
	for _, group := range order {
		var refs []string
		for _, ref := range group.Group {
			name := ref.ID + "@" + ref.Version
			if ref.Optional {
				name += " (optional)"
			}
			refs = append(refs, name)
		}
		groups = append(groups, strings.Join(refs, ", "))
	}
	return strings.Join(groups, " | ")
}

// smallLayer is a layer of files that all have the same content.
func smallLayer(files []string, content []byte) (v1.Layer, error) {
	var entries []tar.Header
	all := map[string][]byte{}
	for _, name := range files {
		entries = append(entries, tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, ModTime: modTime})
		all[name] = content
	}
	return tarfile.Layer(types.OCIUncompressedLayer, entries, all)
}
