package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// pids are the processes that can be seen.
func pids() []int {
	entries, _ := os.ReadDir("/proc")
	var all []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			all = append(all, pid)
		}
	}
	return all
}

// others are those of pids that are not the phase's: neither in its session nor
// started by what is.
func (s *scanner) others() []int {
	var all []int
	for _, pid := range pids() {
		if !related(pid, s.session) {
			all = append(all, pid)
		}
	}
	return all
}

// sessionOf returns this process' session.
func sessionOf() int {
	session, err := unix.Getsid(0)
	if err != nil {
		fail(err.Error())
	}
	return session
}

// related tells whether a process descends from a session's leader or is in it.
func related(pid, session int) bool {
	for i := 0; pid > 0 && i < 100; i++ {
		if pid == session || pid == os.Getpid() {
			return true
		}
		fields := statOf(pid)
		if len(fields) < 4 {
			return true // it has ended
		}
		if fields[3] == strconv.Itoa(session) {
			return true
		}
		pid, _ = strconv.Atoi(fields[1])
	}
	return false
}

// statOf returns the fields of a process' stat file from the third on: its
// state, parent, group and session.
func statOf(pid int) []string {
	data, _ := os.ReadFile(procDir(pid) + "/stat")
	return strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
}

func procDir(pid int) string { return filepath.Join("/proc", strconv.Itoa(pid)) }

// describePID names a process by its number and arguments.
func describePID(pid int) string {
	data, _ := os.ReadFile(procDir(pid) + "/cmdline")
	line := strings.ReplaceAll(string(data), "\x00", " ")
	return strconv.Itoa(pid) + " (" + line[:min(len(line), 60)] + ")"
}
