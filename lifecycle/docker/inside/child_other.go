//go:build !linux

package inside

// Child does nothing: containers are Linux.
func Child() {}
