// Probe is what enginetest runs as a phase, and the program that engines start
// their own processes from. Its first argument says what to do;
// what it finds goes to standard output, as JSON unless said otherwise.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/pack-cache/pack-cache/lifecycle/inplace"
	"github.com/pack-cache/pack-cache/lifecycle/sandbox"
)

func main() {
	sandbox.Child()
	inplace.Child()
	if len(os.Args) < 2 {
		fail("usage: probe COMMAND [ARGUMENT]...")
	}
	commands := map[string]func(args []string){
		"state":  func([]string) { print(readState()) },
		"do":     func(args []string) { print(doAll(args)) },
		"attack": attack,
		"victim": beVictim,
		"linger": linger,
		"bolt":   bolt,
		"calls":  func([]string) { print(tryCalls()) },
		"dial":   func(args []string) { print(dial(args)) },
		"say":    say,
		"exit":   exit,
		"signal": killSelf,
		"cat":    func([]string) { cat() },
		"keep":   func([]string) { keep() },
		"wait":   wait,
		"orphan": orphan,
		"tick":   tick,
		"run":    run,
	}
	command, known := commands[os.Args[1]]
	if !known {
		fail("unknown command " + os.Args[1])
	}
	command(os.Args[2:])
}

func print(v any) {
	if err := json.NewEncoder(os.Stdout).Encode(v); err != nil {
		fail(err.Error())
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, "probe:", message)
	os.Exit(99)
}

// say writes its arguments to standard output and error by turns.
func say(args []string) {
	for i, arg := range args {
		out := os.Stdout
		if i%2 == 1 {
			out = os.Stderr
		}
		fmt.Fprintln(out, arg)
	}
}

func exit(args []string) { os.Exit(number(args)) }

// killSelf ends by a signal.
func killSelf(args []string) {
	_ = syscall.Kill(os.Getpid(), syscall.Signal(number(args)))
	time.Sleep(time.Hour)
}

func number(args []string) int {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		fail(err.Error())
	}
	return n
}

// cat copies standard input to standard output, as it is.
func cat() {
	if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
		fail(err.Error())
	}
}
