package main

import (
	"net"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

// readState says how this process finds itself.
func readState() report.State {
	s := report.State{
		Args: os.Args, Env: os.Environ(),
		UID: os.Getuid(), EUID: os.Geteuid(), GID: os.Getgid(), EGID: os.Getegid(),
		Status: map[string]string{}, Descriptors: map[string]string{}, Mounts: map[string]string{},
	}
	s.Dir, _ = os.Getwd()
	s.Groups, _ = os.Getgroups()
	s.Hostname, _ = os.Hostname()
	addresses, _ := net.LookupHost(s.Hostname)
	s.Resolves = len(addresses) > 0
	session, _, _ := syscall.Syscall(syscall.SYS_GETSID, 0, 0, 0)
	s.LeadsSession = int(session) == os.Getpid()
	readStatus(s.Status)
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range entries {
		target, err := os.Readlink("/proc/self/fd/" + entry.Name())
		if err == nil && !strings.HasPrefix(target, "anon_inode:") {
			s.Descriptors[entry.Name()] = target
		}
	}
	readMounts(s.Mounts)
	interfaces, _ := net.Interfaces()
	for _, i := range interfaces {
		s.Interfaces = append(s.Interfaces, i.Name)
	}
	s.Umask = syscall.Umask(0)
	return s
}

func readStatus(status map[string]string) {
	data, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(line, ":")
		status[key] = strings.TrimSpace(value)
	}
}

// readMounts notes the options of the last mount on each path, sorted.
func readMounts(mounts map[string]string) {
	data, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) > 5 {
			options := strings.Split(fields[5], ",")
			slices.Sort(options)
			mounts[fields[4]] = strings.Join(options, ",")
		}
	}
}
