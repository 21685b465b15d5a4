package trust

// List is the builders that the user trusts, as the user spells them. The zero
// value is an empty list.
type List struct {
	Builders []string
	// File is where they are listed, for messages; it may be empty.
	File string
}

// Listing is the entry by which a builder is trusted.
type Listing struct {
	// Entry is spelled as in the list, or as in KnownBuilders.
	Entry string
	// Known says that it is a known builder.
	Known bool
}

// Find returns the entry that trusts builder with everything that this name
// stands for, and whether there is one. The error is that builder is not a
// valid reference.
func (l List) Find(builder string) (Listing, bool, error) {
	wanted, err := parseEntry(builder)
	if err != nil {
		return Listing{}, false, err
	}
	for _, known := range l.entries() {
		if e, err := parseEntry(known.Entry); err == nil && e.covers(wanted) {
			return known, true, nil
		}
	}
	return Listing{}, false, nil
}

// entries returns everything that is trusted, known builders first.
func (l List) entries() []Listing {
	var all []Listing
	for _, builder := range knownBuilders {
		all = append(all, Listing{Entry: builder, Known: true})
	}
	for _, builder := range l.Builders {
		all = append(all, Listing{Entry: builder})
	}
	return all
}
