// Package confine is how a process takes rights away from itself before it
// becomes a phase: the engines that start phases as processes of this machine
// share it. It wraps what the kernel offers for that, each in one function:
// users and capabilities, system calls (seccomp), files (Landlock), and what
// other processes of the same user may see.
//
// It also has what goes with it: a program that nobody can change under a
// process that runs it, how such a process is started, becomes the phase and is
// waited for, and errors that cross from one process to another.
//
// What this package is not for: what a phase may see. That is the engine's.
package confine
