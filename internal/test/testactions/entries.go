package testactions

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// find looks up keys as GitHub documents it: in each scope in turn, for each key
// an entry that has it, else the newest whose key begins with it. Keys are
// compared without case.
func (f *Front) find(run Run, version string, keys []string) *Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, ref := range run.Refs {
		for _, key := range keys {
			var newest *Entry
			for _, e := range f.entries {
				if !e.Complete || e.Repository != run.Repository || e.Ref != ref || e.Version != version || !hasPrefix(e.Key, key) {
					continue
				}
				exact := strings.EqualFold(e.Key, key)
				if exact {
					newest = e
					break
				}
				if newest == nil || e.number > newest.number {
					newest = e
				}
			}
			if newest != nil {
				found := *newest
				return &found
			}
		}
	}
	return nil
}

func hasPrefix(key, prefix string) bool {
	return len(key) >= len(prefix) && strings.EqualFold(key[:len(prefix)], prefix)
}

// reserve begins an entry, nil if its key is taken in the run's own scope.
func (f *Front) reserve(run Run, key, version string) *Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := slices.ContainsFunc(f.entries, func(e *Entry) bool {
		return e.Repository == run.Repository && e.Ref == run.Refs[0] && strings.EqualFold(e.Key, key) && e.Version == version
	})
	if taken {
		return nil
	}
	number := 1
	if n := len(f.entries); n > 0 {
		number = f.entries[n-1].number + 1
	}
	e := &Entry{ID: int64(1000 + number), number: number, Repository: run.Repository, Ref: run.Refs[0], Key: key, Version: version,
		Created: time.Now(), parts: map[int64][]byte{}}
	f.entries = append(f.entries, e)
	return e
}

// get returns what is under a condition.
func (f *Front) get(is func(*Entry) bool) *Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at := slices.IndexFunc(f.entries, is); at >= 0 {
		return f.entries[at]
	}
	return nil
}

// complete ends an entry.
func (f *Front) complete(e *Entry, size int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e.Complete, e.Size = true, size
}

// checkKey says what is wrong with a key, "" if nothing.
func checkKey(key string) string {
	switch {
	case key == "" || len(key) > 512:
		return "Key Validation Error: it must have 1 to 512 characters"
	case strings.Contains(key, ","):
		return "Key Validation Error: it cannot contain commas"
	}
	return ""
}

// mayRead and mayWrite say why a run may not, "" if it may.
func (run Run) mayRead() string {
	if run.Nothing {
		return "cache read denied: the token has no readable cache scopes"
	}
	return ""
}

func (run Run) mayWrite() string {
	if run.Nothing || run.ReadOnly || run.Downgraded {
		return "cache write denied: the token is read-only for this event"
	}
	return ""
}
