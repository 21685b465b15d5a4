package main

import (
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// shape is what a link lets through. The zero value is no limit.
type shape struct {
	// rate is bytes a second in each direction, perConnection those of one
	// connection.
	rate, perConnection int64
	// delay is how long a byte is on its way, in one direction.
	delay time.Duration
}

// shapes are the links by name. A round trip over the slow ones takes 10 ms.
func shapes() map[string]shape {
	const gigabit = 125_000_000
	return map[string]shape{
		"loopback":   {},
		"1gbit":      {rate: gigabit, delay: 5 * time.Millisecond},
		"1gbit-40MB": {rate: gigabit, perConnection: 40_000_000, delay: 5 * time.Millisecond},
	}
}

// link is a relay to a server that counts what goes through and slows it down.
type link struct {
	addr string

	listener net.Listener
	target   string
	shape    shape
	up, down bucket
	sent     atomic.Int64
	received atomic.Int64
	active   sync.WaitGroup
}

// newLink listens on loopback. The caller closes it.
func newLink(target string, s shape) (*link, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &link{addr: listener.Addr().String(), listener: listener, target: target, shape: s}
	l.up.rate, l.down.rate = s.rate, s.rate
	go l.serve()
	return l, nil
}

func (l *link) close() error { return l.listener.Close() }

// settle waits until everything has come through. Nobody may use the link
// meanwhile.
func (l *link) settle() { l.active.Wait() }

func (l *link) serve() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.active.Go(func() { l.relay(client) })
	}
}

func (l *link) relay(client net.Conn) {
	defer client.Close()
	// The handshake of a real connection is a round trip.
	time.Sleep(2 * l.shape.delay)
	server, err := net.Dial("tcp", l.target)
	if err != nil {
		fmt.Println("link:", err)
		return
	}
	defer server.Close()
	var both sync.WaitGroup
	both.Go(func() { l.pass(server, client, &l.up, &l.sent) })
	both.Go(func() { l.pass(client, server, &l.down, &l.received) })
	both.Wait()
}

// pass carries one direction of a connection to its end.
func (l *link) pass(to, from net.Conn, shared *bucket, count *atomic.Int64) {
	defer to.(*net.TCPConn).CloseWrite()
	if l.shape == (shape{}) {
		// The kernel moves the bytes.
		n, _ := io.Copy(to, from)
		count.Add(n)
		return
	}
	own := &bucket{rate: l.shape.perConnection}
	type piece struct {
		buffer *relayBuffer
		size   int
		due    time.Time
	}
	// What is on its way, as on a line of that length, with room for a
	// connection at full speed.
	way := make(chan piece, 64)
	go func() {
		defer close(way)
		for {
			buffer := relayed.Get().(*relayBuffer)
			n, err := from.Read(buffer[:])
			if n > 0 {
				own.take(n)
				shared.take(n)
				count.Add(int64(n))
				way <- piece{buffer, n, time.Now().Add(l.shape.delay)}
			}
			if err != nil {
				return
			}
		}
	}()
	failed := false
	for p := range way {
		if failed {
			continue
		}
		time.Sleep(time.Until(p.due))
		if _, err := to.Write(p.buffer[:p.size]); err != nil {
			failed = true
			from.Close()
		}
		relayed.Put(p.buffer)
	}
}

// relayed has the memory for what is on its way: what the link itself costs, the
// tools on the same machine do not have.
var relayed = sync.Pool{New: func() any { return new(relayBuffer) }}

type relayBuffer [32 << 10]byte

// bucket limits a rate; with a rate of 0 it does not.
type bucket struct {
	rate int64
	mu   sync.Mutex
	next time.Time
}

// take waits until n bytes may pass.
func (b *bucket) take(n int) {
	if b.rate == 0 {
		return
	}
	b.mu.Lock()
	now := time.Now()
	if b.next.Before(now) {
		b.next = now
	}
	b.next = b.next.Add(time.Duration(int64(n) * int64(time.Second) / b.rate))
	// Short waits are not worth a timer: they add up and are waited for later.
	wait := b.next.Sub(now) - 2*time.Millisecond
	b.mu.Unlock()
	if wait > 0 {
		time.Sleep(wait)
	}
}
