package extra

import (
	"context"
	"slices"

	"github.com/pack-cache/pack-cache/builder"
	"github.com/pack-cache/pack-cache/internal/hint"
)

// newOrder finds all buildpacks of the request and puts the order together as
// pack does: the listed buildpacks are one group, in which from=builder stands
// for the builder's order and so makes a group of each of its groups. Without a
// list, Pre and Post go around every group of the builder's order.
func (r *resolver) newOrder(ctx context.Context, req Request) (builder.Order, error) {
	if len(req.Buildpacks) == 0 {
		return r.aroundOrder(ctx, req)
	}
	if len(req.Pre)+len(req.Post) > 0 {
		r.progress.Warn("pre- and post-buildpacks are left out, because they go around the builder's order and this build lists its buildpacks itself; from=builder in the list stands for the builder's order")
	}
	order := builder.Order{{}}
	whole := false
	for _, src := range req.Buildpacks {
		ref, all, err := r.find(ctx, src)
		switch {
		case err != nil:
			return nil, err
		case !all:
			order = eachGroup(order, func(group []builder.Ref) []builder.Ref { return append(group, ref) })
			continue
		case whole:
			return nil, misnamed(src.Locator, "the builder's order can stand in the list only once", "leave out the second one")
		}
		whole = true
		theirs, err := r.builderOrder()
		if err != nil {
			return nil, err
		}
		before := order[0].Group
		order = eachGroup(theirs, func(group []builder.Ref) []builder.Ref { return slices.Concat(before, group) })
	}
	return order, nil
}

// aroundOrder puts buildpacks before and after every group of the builder's
// order. Of several before it, the last one comes first, as in pack.
func (r *resolver) aroundOrder(ctx context.Context, req Request) (builder.Order, error) {
	order, err := r.builderOrder()
	if err != nil {
		return nil, err
	}
	for i, src := range slices.Concat(req.Pre, req.Post) {
		ref, all, err := r.find(ctx, src)
		if err != nil {
			return nil, err
		}
		if all {
			return nil, misnamed(src.Locator, "the builder's order cannot go before or after itself", "leave it out, or list the buildpacks with --buildpack")
		}
		order = eachGroup(order, func(group []builder.Ref) []builder.Ref {
			if i < len(req.Pre) {
				return append([]builder.Ref{ref}, group...)
			}
			return append(group, ref)
		})
	}
	return order, nil
}

// builderOrder is the builder's order with all versions filled in.
func (r *resolver) builderOrder() (builder.Order, error) {
	if len(r.order) == 0 {
		return nil, hint.Errorf("list the buildpacks with --buildpack", "the builder does not say in which order it tries its buildpacks")
	}
	var failed error
	order := eachGroup(r.order, func(group []builder.Ref) []builder.Ref {
		for i, ref := range group {
			complete, err := r.inBuilder(ref)
			if err != nil {
				failed = about("from=builder", err)
			}
			group[i] = complete
		}
		return group
	})
	return order, failed
}

// eachGroup returns an order of changed groups. change gets a copy.
func eachGroup(order builder.Order, change func([]builder.Ref) []builder.Ref) builder.Order {
	changed := make(builder.Order, 0, len(order))
	for _, group := range order {
		changed = append(changed, builder.Group{Group: change(slices.Clone(group.Group))})
	}
	return changed
}

// find finds the buildpack of one place in the order. all is set if it is the
// builder's whole order.
func (r *resolver) find(ctx context.Context, src Source) (ref builder.Ref, all bool, err error) {
	if src.Script != nil {
		ref, err = r.inline(src.Script)
		return ref, false, about(src.Script.ID, err)
	}
	at, err := r.locate(src)
	if err != nil || at.kind == wholeBuilder {
		return builder.Ref{}, err == nil, err
	}
	ref, err = r.take(ctx, src.Locator, at)
	if err == nil && at.kind == localPath {
		err = about(src.Locator, r.dependencies(ctx, at))
	}
	return ref, false, err
}

// take adds what is at a location to what was found.
func (r *resolver) take(ctx context.Context, locator string, at location) (ref builder.Ref, err error) {
	switch at.kind {
	case inBuilder:
		return at.ref, nil
	case imageRef:
		return r.image(ctx, locator, at)
	case webAddress:
		ref, err = r.download(ctx, at)
	case localPath:
		ref, err = r.local(ctx, at.at)
	}
	return ref, about(locator, err)
}
