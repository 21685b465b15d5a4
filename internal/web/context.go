package web

import "context"

type budgetKey struct{}

// With returns a context whose requests share a budget.
func With(ctx context.Context, b *Budget) context.Context {
	return context.WithValue(ctx, budgetKey{}, b)
}

// Of returns the budget that the requests of a context share, nil if there is
// none.
func Of(ctx context.Context) *Budget {
	b, _ := ctx.Value(budgetKey{}).(*Budget)
	return b
}

// Begin is With, and ends the context when the budget is used up, so that
// everything else that belongs to it stops, too; context.Cause then says why. The
// caller calls stop when it is done.
func Begin(ctx context.Context, b *Budget) (inner context.Context, stop func()) {
	inner, cancel := context.WithCancelCause(With(ctx, b))
	release := context.AfterFunc(b.over, func() { cancel(b.Err()) })
	b.news.begin()
	return inner, func() {
		release()
		cancel(nil)
		b.news.end()
	}
}
