package phases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/buildpacks/lifecycle/api"
	"github.com/buildpacks/lifecycle/log"
	"github.com/buildpacks/lifecycle/platform"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/heroku/color"

	"github.com/pack-cache/pack-cache/internal/hint"
	"github.com/pack-cache/pack-cache/internal/posix"
	"github.com/pack-cache/pack-cache/internal/removal"
	"github.com/pack-cache/pack-cache/internal/web"
	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/trust"
)

// job is what a phase works with.
type job struct {
	Session
	api      *api.Version
	keychain authn.Keychain
	link     *link
	// budgets are what caches may wait, by waitKey.
	budgets map[string]*web.Budget
	// loans are the stores that the phase has borrowed, by the IDs of their locations.
	loans map[string]*borrowed
	log   *log.DefaultLogger
}

// handler runs one phase: input in, output out.
type handler func(ctx context.Context, j *job, input json.RawMessage) (any, error)

// codes are the exit codes of phases that fail without saying more (CNB
// Platform specification, "Exit Codes").
var codes = map[lifecycle.Name]platform.LifecycleExitError{
	lifecycle.Analyze: platform.AnalyzeError,
	lifecycle.Restore: platform.RestoreError,
	lifecycle.Export:  platform.ExportError,
}

// Serve is the inside of an own phase: it reads the request from standard
// input, runs the phase and writes the reply to standard output. It returns the
// process's exit code.
func Serve(ctx context.Context, name lifecycle.Name) int {
	handlers := map[lifecycle.Name]handler{
		lifecycle.Analyze: handle(analyze),
		lifecycle.Restore: handle(restore),
		lifecycle.Export:  handle(export),
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	run, ok := handlers[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "no such phase: %s\n", name)
		return 2
	}
	questions, replies, err := privateStreams()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	link := newLink(questions, replies)
	output, err := serve(ctx, link, run)
	if err != nil {
		failure := describe(name, err)
		_ = link.send(message{Error: failure}) // the exit code says it, too
		return failure.Code
	}
	if err := link.send(message{Output: output}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func serve(ctx context.Context, link *link, run handler) (json.RawMessage, error) {
	req, err := link.request()
	if err != nil {
		return nil, err
	}
	go link.listen()
	version, err := api.NewVersion(req.Session.PlatformAPI)
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	req.Session.Paths = req.Session.Paths.OrUsual()
	j := &job{
		Session: req.Session, api: version,
		link: link, loans: map[string]*borrowed{}, budgets: map[string]*web.Budget{}, log: log.NewDefaultLogger(os.Stderr),
	}
	defer removal.Path(filepath.Join(j.Paths.State, loansDir))
	color.Disable(true) // the log is a pipe; whoever shows it chooses colors
	level := "info"
	if j.Verbose {
		level = "debug"
	}
	if err := j.log.SetLevel(level); err != nil {
		return nil, err
	}
	if j.Greetings == nil {
		j.Greetings = &web.Greetings{}
	}
	ctx = web.WithGreetings(ctx, j.Greetings)
	useTransport(ctx, j.Insecure, j.Rule, j.say)
	j.keychain = authn.NewMultiKeychain()
	if j.Grant != nil {
		j.keychain = j.Grant.Keychain(link.renew)
	}
	output, err := run(ctx, j, req.Input)
	if err != nil {
		return nil, err
	}
	return json.Marshal(output)
}

// handle adapts a phase with typed input and output to a handler.
func handle[In, Out any](phase func(context.Context, *job, In) (Out, error)) handler {
	return func(ctx context.Context, j *job, raw json.RawMessage) (any, error) {
		var in In
		if err := json.Unmarshal(raw, &in); err != nil {
			return nil, fmt.Errorf("read input: %w", err)
		}
		return phase(ctx, j, in)
	}
}

// noRoom tells whether err says that a file system is full.
func noRoom(err error) bool {
	return errors.Is(err, posix.ENOSPC) || errors.Is(err, posix.EDQUOT)
}

func describe(name lifecycle.Name, err error) *Error {
	e := &Error{
		Phase: name, Message: err.Error(), Advice: hint.Of(err), Trouble: troubleWith(err), NoRoom: noRoom(err),
		Code: codeOf(name),
	}
	if closed, ok := errors.AsType[*fs.PathError](err); ok && e.Advice == "" && name == lifecycle.Export && errors.Is(err, fs.ErrPermission) {
		e.Advice = "the build user has to be able to read " + closed.Path + ": change its mode in the source, or in the buildpack that leaves it"
	}
	return e
}

// Failed is the failure of a phase for whose sake its caller could not read an image.
func Failed(name lifecycle.Name, reference string, err error) *Error {
	return describe(name, about(reference, trust.Pull, err))
}

// codeOf is the exit code of a phase that fails without saying more.
func codeOf(name lifecycle.Name) int { return new(platform.DefaultExiter).CodeFor(codes[name]) }
