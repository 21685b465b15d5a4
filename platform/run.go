package platform

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/layers/kinds"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/phases"
	"github.com/pack-cache/pack-cache/trust"
)

// own runs one of pack-cache's own phases with a grant for scope. more says what
// else the call is to have.
func own[In any](ctx context.Context, b *build, name lifecycle.Name, scope trust.Scope, input In, output phases.Output[In], more ...func(*phases.Call)) error {
	mint := func(ctx context.Context) (*trust.Grant, error) {
		return trust.Mint(ctx, b.Platform.keychain(b.resolved), scope, trust.MintOptions{Insecure: b.insecureHosts(), Spare: b.spare()})
	}
	grant, err := b.imported, error(nil)
	if grant == nil || name != lifecycle.Restore {
		grant, err = mint(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	b.reportRefusals(grant)
	// The lifecycle's libraries say what they were told, with whole URLs.
	log := grant.Redactor().Lines(b.Progress.Output(string(name)))
	defer log.Close()
	session := phases.Session{
		PlatformAPI: b.api, User: b.user(), Owner: b.owner(), Paths: b.paths, ExecEnv: b.ExecEnv,
		Insecure: b.Insecure, Verbose: b.Verbose, Grant: grant, Rule: b.Rule, Unreachable: unreachable(grant),
		Greetings: web.GreetingsOf(ctx),
	}
	call := phases.Call{Place: b.place, Phase: b.plan[name], Session: session, Renew: mint, Apps: b.outlet, Log: log}
	for _, set := range more {
		set(&call)
	}
	err = phases.Run(ctx, call, input, output)
	failed, ok := errors.AsType[*phases.Error](err)
	switch {
	case ok && failed.Trouble != nil:
		return b.troubleError(failed)
	case ok && failed.NoRoom:
		return hint.With(roomHint(b.place), err)
	}
	return err
}

// using lets a phase use the stores of its imports and exports that it borrows or
// needs keys for, and no others of the build.
func (b *build) using(imports []kinds.Import, exports []kinds.Export) func(*phases.Call) {
	return func(call *phases.Call) {
		call.Loans, call.Logins = map[string]phases.Lending{}, map[string]kinds.Login{}
		add := func(at kinds.Location, write bool) {
			if store := b.loans[at.ID]; store != nil {
				call.Loans[at.ID] = phases.Lending{Store: store, Name: at.Facts().Snapshot, Write: write}
			}
			if login := b.logins[at.ID]; login != nil {
				call.Logins[at.ID] = login
			}
		}
		for _, at := range imports {
			add(at.Location, false)
		}
		for _, at := range exports {
			add(at.Location, true)
		}
	}
}

// builders runs one of the builder's own phases.
func (b *build) builders(ctx context.Context, name lifecycle.Name) error {
	starts := &startWatch{WriteCloser: b.Progress.Output(string(name))}
	log := &roomWatch{WriteCloser: starts}
	defer log.Close()
	err := b.place.Run(ctx, b.plan[name], lifecycle.Streams{Stdout: log, Stderr: log})
	if failed, ok := errors.AsType[*lifecycle.ExitError](err); ok {
		if _, full := errors.AsType[*lifecycle.NoRoomError](err); full || log.full {
			return hint.With(roomHint(b.place), &lifecycle.NoRoomError{Err: fmt.Errorf("there was no room left, and %w", b.explain(failed, failed, ""))})
		}
		starts.look()
		return b.explain(failed, err, starts.way)
	}
	if err != nil && foreign(b.platform) && strings.Contains(err.Error(), "exec format error") {
		return hint.With("the machine of the daemon cannot run programs for "+b.platform.String()+": register an emulator there (QEMU, through binfmt_misc), or name a daemon on such a machine with --docker-host",
			err)
	}
	return err
}
