package inplace

import (
	"fmt"
	"os"
	"strings"
)

// sharedObjects lists shared memory, semaphores and message queues of other
// programs of this container, which Landlock does not know: an engine forbids
// phases to use such where there are any.
func sharedObjects() []string {
	var found []string
	for file, what := range map[string]string{"shm": "shared memory", "sem": "semaphores", "msg": "message queue"} {
		data, _ := os.ReadFile("/proc/sysvipc/" + file) // a kernel without them has none to be reached
		first := true
		for line := range strings.Lines(string(data)) {
			if fields := strings.Fields(line); len(fields) > 1 && !first {
				found = append(found, fmt.Sprintf("%s %s", what, fields[1]))
			}
			first = false
		}
	}
	queues, _ := os.ReadDir("/dev/mqueue") // where it is mounted
	for _, queue := range queues {
		found = append(found, "message queue /"+queue.Name())
	}
	return found
}
