package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// watchMemory samples how much anonymous memory the programs of the tool have
// together, among pid and its descendants; what buildpacks start does not
// count. Files in memory are sampled apart. The function it returns ends that and
// gives both peaks, in bytes.
func watchMemory(pid int, ours func(executable string) bool) func() (programs, files int64) {
	stop, peak := make(chan struct{}), make(chan [2]int64)
	before := filesInMemory()
	go func() {
		var most [2]int64
		ticks := time.NewTicker(20 * time.Millisecond)
		defer ticks.Stop()
		for {
			select {
			case <-stop:
				peak <- most
				return
			case <-ticks.C:
				most[0] = max(most[0], memory(pid, ours))
				most[1] = max(most[1], filesInMemory()-before)
			}
		}
	}()
	return func() (programs, files int64) {
		close(stop)
		peaks := <-peak
		return peaks[0], peaks[1]
	}
}

// sharedMemory is where pack-cache keeps files in memory.
const sharedMemory = "/dev/shm"

// filesInMemory is how many bytes files have there.
func filesInMemory() int64 {
	var s syscall.Statfs_t
	if syscall.Statfs(sharedMemory, &s) != nil {
		return 0
	}
	return int64(s.Blocks-s.Bfree) * s.Bsize
}

// memory adds up a process and its descendants.
func memory(pid int, ours func(string) bool) int64 {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	var sum int64
	if executable, err := os.Readlink(proc + "/exe"); err == nil && ours(filepath.Base(executable)) {
		sum = anonymous(proc + "/status")
	}
	lists, _ := filepath.Glob(proc + "/task/*/children")
	for _, list := range lists {
		children, _ := os.ReadFile(list)
		for _, child := range strings.Fields(string(children)) {
			if id, err := strconv.Atoi(child); err == nil {
				sum += memory(id, ours)
			}
		}
	}
	return sum
}

func anonymous(status string) int64 { return field(status, "RssAnon:") }

// resetPeak forgets how much memory this process has had (proc(5), clear_refs).
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// peakMemory is the most that this process has had since.
func peakMemory() int64 { return field("/proc/self/status", "VmHWM:") }

// field reads a number of kilobytes from a process's status, as bytes.
func field(status, name string) int64 {
	content, _ := os.ReadFile(status)
	for line := range strings.Lines(string(content)) {
		if value, ok := strings.CutPrefix(line, name); ok {
			fields := strings.Fields(value)
			n, _ := strconv.ParseInt(fields[0], 10, 64)
			return n << 10
		}
	}
	return 0
}
