// Package inside is the docker engine's part inside containers: the first
// process of every container of a place, and what is executed in its attendant.
//
// The first process takes an Order from its standard input. It starts a phase
// with exactly the environment that the phase has, in a session of its own;
// passes on standard input and SIGTERM; reaps; and ends with the phase's exit
// code, with which the kernel ends everything else in the container. When
// whoever gave the order is gone, it ends too.
//
// A program that is to run inside containers calls Child before anything else
// in main. What this package is not for: making containers (package docker).
package inside
