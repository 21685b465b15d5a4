package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// wait says that it is there and waits for ever. With the argument "stubborn"
// it ignores SIGTERM; otherwise it says that it was asked to end, and does.
func wait(args []string) {
	signals := make(chan os.Signal, 1)
	if len(args) > 0 && args[0] == "stubborn" {
		signal.Ignore(syscall.SIGTERM)
	} else {
		signal.Notify(signals, syscall.SIGTERM)
	}
	fmt.Println("ready")
	select {
	case <-signals:
	case <-time.After(time.Hour): // or the runtime takes this for a deadlock
	}
	fmt.Println("asked to end")
	os.Exit(3)
}

// keep reads a secret from standard input, keeps it in memory as pack-cache
// does, and waits for ever.
func keep() {
	secret, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail(err.Error())
	}
	fmt.Println("ready")
	time.Sleep(time.Hour)
	runtime.KeepAlive(secret)
}

// orphan leaves a process behind that ticks into a file, in a session of its
// own, and says when it has seen a tick. With "stay" it then waits for ever.
func orphan(args []string) {
	child := exec.Command("/proc/self/exe", "tick", args[0])
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		fail(err.Error())
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	for ticks := false; !ticks; {
		select {
		case err := <-ended:
			fail(fmt.Sprintf("the child ended: %v", err))
		case <-time.After(time.Millisecond):
			info, err := os.Stat(args[0])
			ticks = err == nil && info.Size() > 0
		}
	}
	fmt.Println("ready")
	if len(args) > 1 && args[1] == "stay" {
		time.Sleep(time.Hour)
	}
}

// tick writes to a file for ever, whatever it is asked.
func tick(args []string) {
	signal.Ignore(syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
	file, err := os.OpenFile(args[0], os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		fail(err.Error())
	}
	for {
		if _, err := file.WriteString("tick\n"); err != nil {
			fail(err.Error())
		}
		time.Sleep(time.Millisecond)
	}
}

// run runs another program and passes on what it says.
func run(args []string) {
	child := exec.Command(args[0], args[1:]...)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	if err := child.Run(); err != nil {
		fail(err.Error())
	}
}
