//go:build !linux

package web

import "net"

// unsent is known on Linux alone.
func unsent(net.Conn) int { return 0 }
