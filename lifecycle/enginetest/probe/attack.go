package main

import (
	"encoding/json"
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/pack-cache/pack-cache/lifecycle/enginetest/report"
)

// ways are all that an attack tries. Each looks for secrets, and for the control
// that a victim has, a child of this process.
var ways = []struct {
	name string
	try  func(*scanner)
}{
	{"environment", (*scanner).environment},
	{"processes", (*scanner).processes},
	{"memory", (*scanner).memory},
	{"process_vm_readv", (*scanner).remoteReads},
	{"ptrace", (*scanner).trace},
	{"descriptors", (*scanner).descriptors},
	{"pidfd_getfd", (*scanner).stolenDescriptors},
	{"signals", (*scanner).signals},
	{"keyrings", (*scanner).keyrings},
	{"shared memory", (*scanner).sharedMemory},
	{"message queues", (*scanner).messageQueues},
	{"named message queues", (*scanner).namedQueues},
	{"names of files", (*scanner).watches},
	{"opened files", (*scanner).opened},
	{"performance events", (*scanner).performance},
	{"queues of system calls", (*scanner).rings},
	{"page faults", (*scanner).pageFaults},
	{"sockets", (*scanner).sockets},
	{"abstract sockets", (*scanner).abstractSockets},
	{"files", (*scanner).allFiles},
	{"kernel", (*scanner).kernel},
	{"plants", (*scanner).plants},
	{"metadata services", (*scanner).metadataServices},
	{"processes of before", (*scanner).before},
}

// attack does everything that a hostile buildpack may try in a phase, whose name
// is the first argument, and says what came of it. The second argument has its
// orders, or names the file with them.
func attack(args []string) {
	orders := readOrders(args[1])
	s := newScanner(args[0], orders)
	s.victim = newVictim(s.control.text)
	for _, way := range ways {
		s.begin(way.name)
		way.try(s)
	}
	s.victim.end()
	if orders.Linger != "" {
		leave(args[0], args[1], orders.Linger)
	}
	print(s.report)
}

func readOrders(arg string) report.Orders {
	data := []byte(arg)
	if data[0] != '{' {
		var err error
		if data, err = os.ReadFile(arg); err != nil {
			fail(err.Error())
		}
	}
	var orders report.Orders
	if err := json.Unmarshal(data, &orders); err != nil || len(orders.Secrets) == 0 {
		fail("no orders: " + arg)
	}
	return orders
}

// scanner looks everywhere for secrets.
type scanner struct {
	orders  report.Orders
	secrets *needles
	control control
	victim  *victim
	session int // the phase's
	report  report.Attack
	way     string
	seen    []string // sockets among the files
}

// newScanner readies a scanner for a phase.
func newScanner(phase string, orders report.Orders) *scanner {
	return &scanner{
		orders: orders, secrets: parseNeedles(orders.Secrets), control: newControl(), session: sessionOf(),
		report: report.Attack{Phase: phase, Findings: []report.Finding{}, Tried: map[string]report.Tried{}},
	}
}

// begin makes what follows part of a way.
func (s *scanner) begin(way string) {
	s.way = way
	s.report.Tried[way] = report.Tried{}
}

// look looks for secrets in data, and for the control.
func (s *scanner) look(where string, data []byte) {
	tried := s.report.Tried[s.way]
	tried.Looked++
	if s.control.in(data) {
		tried.Control = report.Found
	}
	s.report.Tried[s.way] = tried
	if s.secrets.in(data) {
		s.found(where, "a secret")
	}
}

func (s *scanner) found(where, what string) {
	s.report.Findings = append(s.report.Findings, report.Finding{Where: s.way + ": " + where, What: what})
}

// tell says how this way to the control ended, unless it is known to work: with
// nil it does.
func (s *scanner) tell(err error) {
	tried := s.report.Tried[s.way]
	tried.Looked++
	switch errno := syscall.Errno(0); {
	case tried.Control == report.Found:
	case err == nil:
		tried.Control = report.Found
	case errors.As(err, &errno):
		tried.Control = unix.ErrnoName(errno)
	default:
		tried.Control = err.Error()
	}
	s.report.Tried[s.way] = tried
}

// tellUnlessNil says why this way is closed, if it is.
func (s *scanner) tellUnlessNil(err error) {
	if err != nil {
		s.tell(err)
	}
}
