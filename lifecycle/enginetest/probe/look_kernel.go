package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// knobs are files by which the kernel runs programs for whoever writes to them,
// shows all memory, or does more for one than for others.
var knobs = []string{
	"/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/yama/ptrace_scope",
	"/proc/sys/fs/binfmt_misc/register", "/proc/sys/fs/suid_dumpable", "/proc/sysrq-trigger",
	"/sys/kernel/uevent_helper", "/dev/mem", "/dev/kmem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/fuse", "/dev/tty",
}

// groupKnobs are names of such files in control groups.
var groupKnobs = []string{"release_agent", "notify_on_release", "cgroup.procs", "tasks", "memory.max", "devices.allow", "cgroup.freeze"}

// kernel opens for writing what steers the machine or other processes.
func (s *scanner) kernel() {
	open := func(path string, flag int) error {
		file, err := os.OpenFile(path, flag|syscall.O_NONBLOCK, 0)
		if err == nil {
			file.Close()
		}
		return err
	}
	try := func(path string, flag int) {
		s.look(path+" (name)", nil)
		if open(path, flag) == nil {
			s.found(path, "can be opened")
		}
	}
	for _, path := range knobs {
		try(path, os.O_WRONLY)
	}
	try("/proc/kcore", os.O_RDONLY)
	for _, pid := range s.others() {
		try(procDir(pid)+"/oom_score_adj", os.O_WRONLY)
		try(procDir(pid)+"/mem", os.O_WRONLY)
	}
	seen := 0
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, entry fs.DirEntry, err error) error {
		if seen++; err != nil || seen > 20_000 {
			return nil
		}
		if slices.Contains(groupKnobs, entry.Name()) {
			try(path, os.O_WRONLY)
		}
		return nil
	})
	s.tell(open("/proc/self/oom_score_adj", os.O_WRONLY))
}
