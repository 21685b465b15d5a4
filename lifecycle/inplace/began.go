package inplace

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// began says when the first process of this container started, the zero time if
// that cannot be known.
func began() time.Time {
	fields, ok := statOf(1)
	if !ok || len(fields) < 20 {
		return time.Time{}
	}
	const perSecond = 100 // USER_HZ, on every architecture that Go knows
	ticks, err := strconv.ParseInt(fields[19], 10, 64)
	if err != nil {
		return time.Time{}
	}
	// Nothing is done between the two clocks: on a loaded machine that would make
	// the container younger than what was made in it.
	now := time.Now()
	var uptime unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &uptime); err != nil {
		return time.Time{}
	}
	return now.Add(time.Duration(ticks)*time.Second/perSecond - time.Duration(uptime.Nano()))
}
