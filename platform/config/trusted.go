package config

import (
	"slices"

	"github.com/pack-cache/pack-cache/trust"
)

// Trusted returns the trusted builders as the file spells them, in the file's
// order, with the changes that Add and Remove made. Nil lists none.
func (c *File) Trusted() trust.List {
	if c == nil {
		return trust.List{}
	}
	return trust.List{Builders: slices.Clone(c.trusted), File: c.path}
}

// Add adds builder to the trusted builders, spelled as it is given, unless the
// same one is there already. Save writes it. The error is that builder is not a
// valid reference.
func (c *File) Add(builder string) error {
	if _, err := trust.Describe(builder); err != nil {
		return err
	}
	if !slices.ContainsFunc(c.trusted, same(builder)) {
		c.trusted = append(c.trusted, builder)
		c.changes = append(c.changes, addBuilder(builder))
	}
	return nil
}

// Remove removes builder from the trusted builders, in whatever spelling it is
// there, and says whether it was. Save writes it. The error is that builder is
// not a valid reference.
func (c *File) Remove(builder string) (bool, error) {
	if _, err := trust.Describe(builder); err != nil {
		return false, err
	}
	before := len(c.trusted)
	c.trusted = slices.DeleteFunc(c.trusted, same(builder))
	if len(c.trusted) == before {
		return false, nil
	}
	c.changes = append(c.changes, removeBuilder(builder))
	return true, nil
}

// same returns a test for names that mean the same builder.
func same(builder string) func(string) bool {
	return func(other string) bool { return trust.Same(builder, other) }
}
