package inplace

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// descendants lists the processes that descend from a process. It may be read
// as one that has just ended, or lack one that has just begun: whoever wants to
// end them all asks until there are no more.
func descendants(pid int) []int {
	entries, _ := os.ReadDir("/proc") // without it, there are none to be found
	children := map[int][]int{}
	for _, entry := range entries {
		if child, err := strconv.Atoi(entry.Name()); err == nil {
			if parent, ok := parentOf(child); ok {
				children[parent] = append(children[parent], child)
			}
		}
	}
	found := slices.Clone(children[pid])
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i]]...)
	}
	return found
}

// children lists the children of this process.
func children() []int {
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	if len(lists) == 0 { // a kernel that does not list them
		return descendants(os.Getpid())
	}
	var found []int
	for _, list := range lists {
		data, _ := os.ReadFile(list) // a thread can end
		for _, field := range strings.Fields(string(data)) {
			if pid, err := strconv.Atoi(field); err == nil {
				found = append(found, pid)
			}
		}
	}
	return found
}

// parentOf reads the parent of a process.
func parentOf(pid int) (int, bool) {
	fields, ok := statOf(pid)
	if !ok || len(fields) < 2 {
		return 0, false
	}
	parent, err := strconv.Atoi(fields[1])
	return parent, err == nil
}

// statOf returns the fields of a process' stat file from the third on.
func statOf(pid int) ([]string, bool) {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil, false
	}
	// The name, in parentheses, may contain anything.
	end := strings.LastIndexByte(string(data), ')')
	return strings.Fields(string(data[end+1:])), true
}
