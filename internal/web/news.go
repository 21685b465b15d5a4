package web

import (
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// quiet is how long nothing may be said while something moves, and seldom how
	// often something is said at most.
	quiet  = 10 * time.Second
	seldom = 4 * time.Second
)

// news tells the user what is waited for. It is safe for concurrent use.
type news struct {
	label string
	out   func(string)
	moved atomic.Int64

	mu    sync.Mutex
	last  time.Time
	told  int64
	users int
	timer *time.Timer
}

func newNews(label string, out func(string)) *news { return &news{label: label, out: out} }

// say says something, unless something has just been said.
func (n *news) say(line string) {
	if n.out == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if now := time.Now(); n.last.IsZero() || now.Sub(n.last) >= seldom {
		n.last = now
		if n.label != "" {
			line = n.label + ": " + line
		}
		n.out(line)
	}
}

// begin starts to say now and then how much has moved, until end.
func (n *news) begin() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.users++; n.users == 1 && n.out != nil {
		n.timer = time.AfterFunc(quiet, n.beat)
	}
}

func (n *news) end() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.users--; n.users == 0 && n.timer != nil {
		n.timer.Stop()
	}
}

func (n *news) beat() {
	moved := n.moved.Load()
	if moved != n.told {
		n.say(fmt.Sprintf("%.1f MB moved so far", float64(moved)/1e6))
	}
	n.told = moved
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.users > 0 {
		n.timer.Reset(quiet)
	}
}

// known are the ends of paths that may be shown: any other part may be a secret.
var known = regexp.MustCompile(`/(blobs|manifests)/(sha256:[0-9a-f]{12}|[\w.-]{1,128}$|uploads/)?`)

// describe names a request for the user.
func describe(req *http.Request) string {
	what := req.URL.Host
	found := known.FindStringSubmatch(req.URL.Path)
	switch {
	case found == nil:
		return what
	case found[2] == "uploads/":
		return what + ": upload of a blob"
	case found[1] == "blobs":
		return what + ": blob " + found[2]
	}
	return what + ": manifest " + found[2]
}
