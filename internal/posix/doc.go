// Package posix is what the program needs of its operating system beyond the
// standard library, by the names that Unix has for it.
//
// Phases run on Linux, and with them everything that reads and writes layers. On
// other systems the same program only gives orders to a daemon: there, calls
// that nobody makes fail with errors.ErrUnsupported instead of not compiling.
//
// What this package is not for: what an engine does on Linux alone.
package posix
