package platform

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
	"github.com/pack-cache/pack-cache/trust"
)

// secondChance is what an export may wait for a server that an import of the same
// build has waited for in vain. It may have come back meanwhile.
const secondChance = 4 * time.Second

// patience returns a context for what a build cannot do without: its builder, its
// run image and the registry of its app image.
func (p *Platform) patience(ctx context.Context, rule web.Rule) context.Context {
	ctx = web.WithGreetings(ctx, &web.Greetings{})
	return web.With(ctx, web.NewBudget(rule.Or(web.Patient()), "", p.Progress.Info))
}

// transport carries the requests of this process to registries.
func (r *resolved) transport() http.RoundTripper {
	return trust.Transport(r.insecureHosts(), r.Rule.Or(web.Patient()), nil)
}

// spare is what may be waited for a grant for caches.
func (b *build) spare() *web.Budget {
	rule := web.Rule{}
	if len(b.gaveUp) > 0 {
		rule.Wait = secondChance
	}
	return web.NewBudget(rule, "", b.Progress.Info)
}

// noteGivenUp remembers the servers that were waited for in vain.
func (b *build) noteGivenUp(imports []phases.ImportOutcome) {
	b.gaveUp = map[string]bool{}
	for i, at := range imports {
		if at.GaveUp {
			b.gaveUp[b.imports[i].Server()] = true
		}
	}
}

// patientExports are the exports, with less patience for servers that were waited
// for in vain.
func (b *build) patientExports() []kinds.Export {
	var all []kinds.Export
	for _, at := range b.exports {
		if b.gaveUp[at.Server()] {
			at.Rule.Wait = min(secondChance, at.Rule.Or(web.Rule{Wait: web.DefaultWait}).Wait)
		}
		all = append(all, at)
	}
	return all
}

// unreachable says why registries of caches were waited for in vain, by host.
func unreachable(grant *trust.Grant) map[string]string {
	var hosts map[string]string
	for _, refusal := range grant.Refusals() {
		if silent, ok := errors.AsType[*trust.UnreachableError](refusal.Err); ok && errors.Is(silent, web.ErrGaveUp) {
			if hosts == nil {
				hosts = map[string]string{}
			}
			hosts[silent.Host] = silent.Error()
		}
	}
	return hosts
}
