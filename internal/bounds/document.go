package bounds

import "fmt"

// The bounds of one JSON or TOML document, such as a label or a manifest.
const (
	// MaxDocument is how many bytes it may have. The largest labels known, those of
	// builders with hundreds of buildpacks, have about 1 MB; registries take
	// manifests of 4 MiB.
	MaxDocument = 16 << 20
	// MaxDepth is how deep it may nest. What the specifications define nests less
	// than ten levels, and metadata of buildpacks that were seen not more than
	// twenty. Readers and writers of such documents recurse.
	MaxDepth = 64
	// MaxValues is how many keys and values it may have. A value costs up to some
	// hundred bytes when it is read into memory. A label of 20,000 layers has less
	// than 300,000.
	MaxValues = 1 << 19
	// MaxUnfolded is how many bytes the document may take when it is written as
	// TOML, where every table begins with the whole path to it. Without this bound,
	// 54 kB of JSON become 162 MB.
	MaxUnfolded = 32 << 20
)

// tally counts what a document has.
type tally struct {
	values, unfolded int
	// paths are the lengths of the paths to the open tables and lists, the
	// outermost first.
	paths []int
}

// value counts keys and values.
func (t *tally) value() error {
	if t.values++; t.values > MaxValues {
		return &Error{fmt.Sprintf("it has more than %d keys and values", MaxValues)}
	}
	return nil
}

// member counts a key of the open table.
func (t *tally) member() error { return t.unfold(2 * len(t.paths)) }

// open begins a table or list that is reached by a key of the given length; the
// length is 0 for an element of a list.
func (t *tally) open(key int) error {
	if len(t.paths) == MaxDepth {
		return &Error{fmt.Sprintf("it nests deeper than %d levels", MaxDepth)}
	}
	path := key
	if len(t.paths) > 0 {
		path += t.paths[len(t.paths)-1] + 1
	}
	t.paths = append(t.paths, path)
	return t.unfold(path + 2*len(t.paths))
}

// close ends the table or list that was opened last.
func (t *tally) close() {
	if len(t.paths) > 0 {
		t.paths = t.paths[:len(t.paths)-1]
	}
}

func (t *tally) unfold(n int) error {
	if t.unfolded += n; t.unfolded > MaxUnfolded {
		return &Error{fmt.Sprintf("with all its paths it has more than %d MiB", MaxUnfolded>>20)}
	}
	return nil
}

// fits checks a document's size.
func fits(size int) error {
	if size > MaxDocument {
		return &Error{fmt.Sprintf("it has more than %d MiB", MaxDocument>>20)}
	}
	return nil
}
