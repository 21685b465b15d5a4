package inplace

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// began says when the first process of this container started, the zero time if
// that cannot be known.
func began() time.Time {
	fields, ok := statOf(1)
	data, err := os.ReadFile("/proc/uptime")
	if !ok || err != nil || len(fields) < 20 {
		return time.Time{}
	}
	first, _, _ := strings.Cut(string(data), " ")
	uptime, err := time.ParseDuration(first + "s")
	if err != nil {
		return time.Time{}
	}
	const perSecond = 100 // USER_HZ, on every architecture that Go knows
	ticks, err := strconv.ParseInt(fields[19], 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(ticks)*time.Second/perSecond - uptime)
}
