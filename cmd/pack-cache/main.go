// Command pack-cache builds app images with Cloud Native Buildpacks and keeps
// the buildpacks' cache layers where the next build finds them.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/caches"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/exit"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/global"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/iostreams"
	"github.com/pack-cache/pack-cache/cmd/pack-cache/cli/root"
)

// version is set by the linker.
var version = "dev"

func main() {
	child() // does not return in a process of an engine
	os.Exit(run())
}

func run() int {
	caches.HideArguments()
	streams := iostreams.System()
	if err := protect(); err != nil {
		return exit.Print(streams.Err, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	defer stop()
	cmd := root.NewCmdRoot(&global.Flags{
		Streams: streams,
		Version: version,
		Engines: engines(),
	})
	return exit.Print(streams.Err, cmd.ExecuteContext(ctx))
}

// endings are the signals that cancel a command: Ctrl-C, what a CI system sends
// to a job that it cancels, and the end of the terminal unless nohup asks to
// outlive that.
func endings() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}
