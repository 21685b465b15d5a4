package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/reporter"
	"github.com/pack-cache/pack-cache/internal/test/samples"
	"github.com/pack-cache/pack-cache/internal/test/testregistry"
)

// measure runs everything that was asked for, and writes the figures after each
// run.
func (s *settings) measure(ctx context.Context) error {
	registry, err := testregistry.Start(ctx, testregistry.Options{})
	if err != nil {
		return err
	}
	defer registry.Close()
	env, err := environment(ctx)
	if err != nil {
		return err
	}
	stock, err := stockCreator()
	if err != nil {
		return err
	}
	tools := []tool{packCache(s.program), stock}
	if s.onDisk {
		tools = append(tools, packCache(s.program, "--on-disk"))
	}
	filled := map[string]bool{}
	for _, linkName := range s.links {
		shape, ok := shapes()[linkName]
		if !ok {
			return fmt.Errorf("link %q is not known", linkName)
		}
		for _, sampleName := range s.samples {
			i := slices.IndexFunc(known(), func(k sample) bool { return k.name == sampleName })
			if i < 0 {
				return fmt.Errorf("sample %q is not known", sampleName)
			}
			series := &series{settings: s, sample: known()[i], link: linkName, tools: tools, env: env, filled: filled}
			if err := series.run(ctx, registry, shape); err != nil {
				return err
			}
		}
	}
	return nil
}

// foreign is the scenario in which pack-cache restores what the stock lifecycle
// saved, and the stock lifecycle its own.
const foreign = "foreign"

// series is all runs of one sample over one link.
type series struct {
	*settings
	sample sample
	link   string
	tools  []tool
	env    []string
	relay  *link
	edits  int
	// filled are the samples that have been built before, over another link.
	filled map[string]bool
}

func (s *series) run(ctx context.Context, registry *testregistry.Registry, shape shape) error {
	relay, err := newLink(registry.Addr, shape)
	if err != nil {
		return err
	}
	defer relay.close()
	s.relay = relay
	builder, err := s.sample.builder(ctx, samples.Options{
		RunImage: relay.addr + "/run-" + s.sample.name,
		Progress: reporter.New(os.Stderr, reporter.Options{}),
	})
	if err != nil {
		return err
	}
	// Connections that stay open would be waited for.
	transport := remote.WithTransport(&http.Transport{DisableKeepAlives: true})
	if err := builder.Push(ctx, relay.addr+"/builder-"+s.sample.name, transport); err != nil {
		return err
	}
	for _, scenario := range []struct {
		name   string
		rounds int
		edits  []edit
	}{
		{"cold", s.coldRounds, nil},
		{"unchanged", s.rounds, nil},
		{"source", s.rounds, []edit{s.sample.source}},
		{"dependency", s.rounds, []edit{s.sample.dependency}},
		{foreign, s.rounds, nil},
	} {
		if scenario.name == "cold" && s.filled[s.sample.name] || scenario.name != "cold" && !slices.Contains(s.scenarios(), scenario.name) {
			continue
		}
		for round := range scenario.rounds {
			if scenario.edits != nil {
				s.edits++
			}
			for _, tool := range s.inTurns(scenario.name, round) {
				if err := s.once(ctx, tool, scenario.name, round, scenario.edits); err != nil {
					return fmt.Errorf("%s, %s, %s, %s, round %d: %w", s.sample.name, s.link, scenario.name, tool.name, round+1, err)
				}
			}
		}
	}
	s.filled[s.sample.name] = true
	return nil
}

// scenarios are those to be run over the link: slower ones have fewer.
func (s *series) scenarios() []string {
	if s.link != s.links[0] {
		return s.slowVariants
	}
	return s.variants
}

// inTurns lets each tool be the first in turn. Variants of pack-cache build
// unchanged applications over the fastest link, with the cache that it has filled.
func (s *series) inTurns(scenario string, round int) []tool {
	tools := s.tools
	if scenario != "unchanged" || s.link != s.links[0] {
		tools = tools[:2]
	}
	first := round % len(tools)
	return slices.Concat(tools[first:], tools[:first])
}

// once runs a tool on a machine of its own and keeps the figures.
func (s *series) once(ctx context.Context, t tool, scenario string, round int, edits []edit) error {
	m, err := newMachine(ctx, s.dir, s.fileSystem)
	if err != nil {
		return err
	}
	defer m.close()
	app := filepath.Join(m.dir, "app")
	if err := s.sample.copyTo(app, s.edits, edits...); err != nil {
		return err
	}
	base, _, _ := strings.Cut(t.name, " ")
	names := s.sample.name + "-" + base
	if scenario == "cold" && round < s.coldRounds-1 {
		names += fmt.Sprint("-cold", round) // the last one is what warm builds go on with
	}
	names = strings.ToLower(names)
	what := build{
		registry: s.relay.addr, app: "app-" + names, builder: "builder-" + s.sample.name, cache: "cache-" + names,
		path: app, env: s.env,
	}
	if scenario == foreign && t.name != stockName {
		what.app, what.importOnly = "app-"+foreign, true
		what.cache = "cache-" + s.sample.name + "-" + stockName
	}
	args, err := t.command(what)
	if err != nil {
		return err
	}
	f := figures{Sample: s.sample.name, Link: s.link, Scenario: scenario, Tool: t.name, Round: round}
	received, sent := s.relay.received.Load(), s.relay.sent.Load()
	if err := errors.Join(f.measure(ctx, t, m, args), m.settle()); err != nil {
		return err
	}
	s.relay.settle()
	f.Received, f.Sent = s.relay.received.Load()-received, s.relay.sent.Load()-sent
	f.Written = m.bytesWritten(ctx)
	fmt.Fprintf(os.Stderr, "%-5s %-10s %-10s %-18s %2d  whole %6.2f s  restore %6.2f  build %6.2f  export %6.2f  cache %6.2f  cpu %6.2f  %4d MB + %s in files  in %s out %s\n",
		f.Sample, f.Link, f.Scenario, f.Tool, f.Round+1, f.Whole, f.Phases["restore"], f.Phases["build"], f.Phases["export"], f.Phases["cache"], f.CPU,
		f.Memory>>20, megabytes(f.InMemory), megabytes(f.Received), megabytes(f.Sent))
	all, err := readFigures(s.results)
	if err != nil {
		return err
	}
	return writeFigures(s.results, append(all, f))
}

// measure runs the command.
func (f *figures) measure(ctx context.Context, t tool, m *machine, args []string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Env = append(os.Environ(), "HOME="+filepath.Join(m.dir, "home"), "TMPDIR="+filepath.Join(m.dir, "tmp"), "XDG_CACHE_HOME=", "PACK_HOME=")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	log, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	peak := watchMemory(cmd.Process.Pid, t.ours)
	var copied bytes.Buffer
	marks := readMarks(io.TeeReader(log, &copied), started)
	err = cmd.Wait()
	f.Whole = time.Since(started).Seconds()
	f.Memory, f.InMemory = peak()
	if err != nil {
		return errors.Join(err, fmt.Errorf("%s", copied.Bytes()))
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	f.CPU = (time.Duration(usage.Utime.Nano()) + time.Duration(usage.Stime.Nano())).Seconds()
	f.Phases, err = t.phases(stdout.Bytes(), append(marks, mark{at: time.Since(started)}))
	return err
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
