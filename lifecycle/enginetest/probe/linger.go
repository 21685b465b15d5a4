package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// beats are files to which processes that linger write all the time.
const beats = "/workspace/.attack-beats-"

// leave leaves a process behind that has left the phase's session and group, has
// no parent and ignores signals, and returns when it has begun to look around.
func leave(phase, orders, word string) {
	start := exec.Command("/proc/self/exe", "linger", "fork", phase, orders, strconv.Itoa(sessionOf()), word)
	start.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := start.Run(); err != nil {
		fail("leaving a process behind: " + err.Error())
	}
	for range 2000 {
		if info, err := os.Stat(beats + phase); err == nil && info.Size() > 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	fail("the process that was left behind does nothing")
}

// linger is the process that leave leaves, and the one between.
func linger(args []string) {
	if args[0] == "fork" {
		next := exec.Command("/proc/self/exe", append([]string{"linger", "stay"}, args[1:]...)...)
		next.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := next.Start(); err != nil {
			fail(err.Error())
		}
		return
	}
	signal.Ignore(syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT)
	file, err := os.OpenFile(beats+args[1], os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		fail(err.Error())
	}
	orders := readOrders(args[2])
	session := number(args[3:])
	for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); {
		s := newScanner(args[1], orders)
		s.victim = &victim{} // nothing is hidden for this one
		s.session = session
		for _, way := range []string{"processes", "memory", "descriptors", "signals", "abstract sockets"} {
			for _, w := range ways {
				if w.name == way {
					s.begin(way)
					w.try(s)
				}
			}
		}
		line, _ := json.Marshal(s.report.Findings)
		if _, err := file.Write(append(line, '\n')); err != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// before looks for processes that phases before this one have left, and for what
// they have found.
func (s *scanner) before() {
	if s.orders.Linger == "" || s.report.Phase == "detect" {
		s.tell(nil) // nobody was there before
		return
	}
	files, _ := filepath.Glob(beats + "*")
	for _, file := range files {
		before, err := os.ReadFile(file)
		if err != nil || len(before) == 0 {
			continue
		}
		s.tell(nil)
		time.Sleep(200 * time.Millisecond)
		if after, _ := os.ReadFile(file); len(after) != len(before) {
			s.found(file, "a process of an earlier phase goes on")
		}
		for line := range bytes.Lines(before) {
			if text := strings.TrimSpace(string(line)); text != "[]" && text != "null" {
				s.found(file, "found by a process that was left behind: "+text)
			}
		}
	}
}
