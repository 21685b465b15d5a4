package inplace

import (
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle"
	"github.com/pack-cache/pack-cache/lifecycle/confine"
)

// marker is the name under which the engines start their own processes; the
// argument after it says which.
const marker = "pack-cache-inplace"

// What a process of the engines can be.
const (
	keeperProcess  = "keeper"
	starterProcess = "starter"
)

// Descriptors of the engines' own processes.
const (
	answerFD  = 3 // what became of it, as JSON
	programFD = 4 // the program that the engines' processes and own phases run
	orderFD   = 5 // keeper: orders; starter: the task, as JSON
)

// task is everything that a starter needs to become a phase.
type task struct {
	Phase lifecycle.Phase `json:"phase"`
	// User is whom the phase runs as.
	User lifecycle.User `json:"user"`
	// Root tells that pack-cache is root, and the phase is not.
	Root bool `json:"root,omitempty"`
	// ABI is that of Landlock, 0 without.
	ABI   int            `json:"abi,omitempty"`
	Rules []confine.Rule `json:"rules,omitempty"`
	Calls confine.Calls  `json:"calls"`
}

// order is what pack-cache wants of a keeper: first to start a task.
type order struct {
	Task *task `json:"task,omitempty"`
	// Stop asks the phase to end, Kill no longer asks.
	Stop bool `json:"stop,omitempty"`
	Kill bool `json:"kill,omitempty"`
}

// answer is what a keeper or a starter has to say.
type answer struct {
	Failure *confine.Failure `json:"failure,omitempty"`
	// Ended is set when the phase has ended, with Code.
	Ended bool `json:"ended,omitempty"`
	Code  int  `json:"code,omitempty"`
}

// Child does the work of the engines' own processes: in such a process it never
// returns. A program that uses the engines calls it first of all.
func Child() {
	if len(os.Args) != 2 || os.Args[0] != marker {
		return
	}
	// Descriptors that pack-cache itself has inherited must not go further.
	if err := unix.CloseRange(answerFD, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		fmt.Fprintln(os.Stderr, "pack-cache in place: close_range:", err)
		confine.Exit(1)
	}
	unix.Umask(0o022)
	// The phase may have the same user as these processes.
	err := confine.Protect()
	var code int
	if err == nil {
		switch os.Args[1] {
		case keeperProcess:
			code, err = keep()
		case starterProcess:
			err = become()
		}
	}
	say := answer{Ended: true, Code: code}
	if err != nil {
		say = answer{Failure: confine.FailureOf(err)}
	}
	// When nobody listens any more, nobody wants to know.
	_ = json.NewEncoder(os.NewFile(answerFD, "answer")).Encode(say)
	confine.Exit(0)
}
