package layers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"
)

// PruneRequest says what to delete of a store. Caches alone are deleted; other
// images under its names stay.
type PruneRequest struct {
	Store Store
	// Keep, if not nil, deletes all but that many of the youngest caches.
	Keep *int
	// OlderThan, if not 0, deletes caches in which nothing has changed for so
	// long. With Keep as well, a cache goes for which both say so.
	OlderThan time.Duration
	// Only, if not nil, says which names may be deleted.
	Only func(name string) bool
	// Sweep removes blobs that no name leads to, if the store can.
	Sweep bool
	// Young is how old a blob must be for that.
	Young  time.Duration
	DryRun bool
	Now    time.Time
}

// Pruned is a cache that was looked at.
type Pruned struct {
	Name   string
	Digest v1.Hash
	// Changed is when something in it changed last; zero if nobody knows.
	Changed time.Time
	// Bytes is how large it is.
	Bytes int64
	// Deleted says that it is gone, or would be. Reason is a clause about that.
	Deleted bool
	Reason  string
}

// PruneReport says what Prune did, or would do.
type PruneReport struct {
	// Caches are all caches in the store, the youngest first.
	Caches []Pruned
	// Freed is the size of the blobs that only deleted caches had. A registry
	// makes room when it collects its garbage.
	Freed int64
	// Swept is what was swept; nil if the store cannot, or nobody wanted it.
	Swept *Swept
}

// CannotError says that a store has no such ability.
type CannotError struct{ Store, What string }

// Error implements error.
func (e *CannotError) Error() string { return fmt.Sprintf("%s cannot %s", e.Store, e.What) }

// Prune deletes caches and sweeps, as request says. What it did before an error
// is in the report. The error is a *CannotError if the store can neither list
// nor delete and that is needed.
func Prune(ctx context.Context, request PruneRequest) (*PruneReport, error) {
	report := &PruneReport{}
	if request.Keep != nil || request.OlderThan != 0 {
		if err := request.delete(ctx, report); err != nil {
			return report, err
		}
	}
	sweeper, ok := request.Store.(Sweeper)
	if !request.Sweep || !ok {
		return report, nil
	}
	options := SweepOptions{DryRun: request.DryRun}
	if request.Young > 0 {
		options.Before = request.Now.Add(-request.Young)
	}
	for _, one := range report.Caches {
		if one.Deleted && request.DryRun {
			options.Without = append(options.Without, one.Name)
		}
	}
	swept, err := sweeper.Sweep(ctx, options)
	report.Swept = &swept
	return report, err
}

// delete deletes the caches that are too many or too old.
func (r PruneRequest) delete(ctx context.Context, report *PruneReport) error {
	deleter, ok := r.Store.(Deleter)
	if !ok {
		return &CannotError{r.Store.String(), "delete"}
	}
	all, err := Caches(ctx, r.Store)
	if err != nil {
		return err
	}
	for i, found := range all {
		one := Pruned{Name: found.Name, Digest: found.Snapshot.Digest(), Changed: found.Changed, Bytes: found.Snapshot.Size()}
		one.Deleted, one.Reason = r.judge(i, one)
		report.Caches = append(report.Caches, one)
	}
	if _, whole := deleter.(AllDeleter); whole && r.Only == nil {
		report.spareShared()
	}
	doomed := map[v1.Hash][]string{}
	for _, one := range report.Caches {
		if one.Deleted {
			doomed[one.Digest] = append(doomed[one.Digest], one.Name)
		}
	}
	if !r.DryRun {
		err = r.deleteAll(ctx, deleter, doomed, report)
	}
	report.Freed = freed(all, report.Caches)
	return err
}

// spareShared keeps the names of manifests that another name keeps, for a store that
// may only be able to delete a manifest with all of its names. They take no room.
func (r *PruneReport) spareShared() {
	kept := map[v1.Hash]string{}
	for _, one := range r.Caches {
		if !one.Deleted && kept[one.Digest] == "" {
			kept[one.Digest] = one.Name
		}
	}
	for i := range r.Caches {
		if one := &r.Caches[i]; one.Deleted && kept[one.Digest] != "" {
			one.Deleted, one.Reason = false, "the same as "+kept[one.Digest]+", which stays"
		}
	}
}

// deleteAll deletes names by the manifests that they stand for. What could not be
// deleted is marked so in the report.
func (r PruneRequest) deleteAll(ctx context.Context, deleter Deleter, doomed map[v1.Hash][]string, report *PruneReport) error {
	var errs []error
	for i := range report.Caches {
		names := doomed[report.Caches[i].Digest]
		if !report.Caches[i].Deleted || len(names) == 0 {
			continue
		}
		delete(doomed, report.Caches[i].Digest)
		err := deleteNames(ctx, deleter, names, report.Caches[i].Digest)
		if err == nil {
			continue
		}
		errs = append(errs, fmt.Errorf("deleting %s: %w", At(r.Store.String(), strings.Join(names, ", ")), err))
		for j := range report.Caches {
			if report.Caches[j].Digest == report.Caches[i].Digest {
				report.Caches[j].Deleted, report.Caches[j].Reason = false, "could not be deleted"
			}
		}
	}
	return errors.Join(errs...)
}

func deleteNames(ctx context.Context, deleter Deleter, names []string, digest v1.Hash) error {
	if all, ok := deleter.(AllDeleter); ok && len(names) > 1 {
		return all.DeleteAll(ctx, names, digest)
	}
	for _, name := range names {
		if err := deleter.Delete(ctx, name, digest); err != nil {
			return err
		}
	}
	return nil
}

// freed is the size of what only deleted caches had.
func freed(all []Found, verdicts []Pruned) int64 {
	left := map[v1.Hash]bool{}
	gone := map[v1.Hash]int64{}
	for i, found := range all {
		manifest := v1.Descriptor{Digest: found.Snapshot.Digest(), Size: int64(len(found.Snapshot.raw))}
		for _, blob := range append(found.Snapshot.reaches(), manifest) {
			if verdicts[i].Deleted {
				gone[blob.Digest] = blob.Size
			} else {
				left[blob.Digest] = true
			}
		}
	}
	var size int64
	for digest, n := range gone {
		if !left[digest] {
			size += n
		}
	}
	return size
}

// judge decides about the cache at a place in the list.
func (r PruneRequest) judge(place int, one Pruned) (bool, string) {
	if r.Only != nil && !r.Only(one.Name) {
		return false, "not asked for"
	}
	if one.Changed.IsZero() {
		return false, "its age is not known"
	}
	if r.Keep != nil && place < *r.Keep {
		return false, fmt.Sprintf("among the %d youngest", *r.Keep)
	}
	if age := r.Now.Sub(one.Changed); r.OlderThan != 0 && age < r.OlderThan {
		return false, "young enough"
	}
	return true, "changed last on " + one.Changed.UTC().Format(time.DateOnly)
}

// Found is a cache in a store.
type Found struct {
	Name     string
	Changed  time.Time
	Snapshot *Snapshot
}

// loadedAtOnce is how many snapshots of a store are loaded at the same time.
const loadedAtOnce = 8

// Caches loads all caches that a store has names for, the youngest first; those
// of unknown age come last. Names that stand for something else, or for nothing
// that can be read, are left out. The error is a *CannotError if the store
// cannot list its names.
func Caches(ctx context.Context, store Store) ([]Found, error) {
	lister, ok := store.(Lister)
	if !ok {
		return nil, &CannotError{store.String(), "list what is in it"}
	}
	names, err := lister.List(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Found, len(names))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(loadedAtOnce)
	for i, listed := range names {
		group.Go(func() error {
			snapshot, err := Load(inner, store, listed.Name)
			if errors.Is(err, ErrForeign) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrCorrupt) {
				return nil
			}
			if err != nil {
				return err
			}
			all[i] = Found{Name: listed.Name, Changed: listed.Changed, Snapshot: snapshot}
			if created := snapshot.Created(); !created.IsZero() {
				all[i].Changed = created
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(f Found) bool { return f.Snapshot == nil })
	slices.SortFunc(all, func(a, b Found) int {
		return cmp.Or(b.Changed.Compare(a.Changed), cmp.Compare(a.Name, b.Name))
	})
	return all, nil
}
