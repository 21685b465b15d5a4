//go:build !linux

package bounds

// Room is not known: nothing is unpacked by pack-cache itself where there is no
// Linux.
func Room(string) int64 { return unlimited }
