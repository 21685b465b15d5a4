// Package sandbox is the engine that needs no daemon and no other program: it
// unpacks the builder image into a store and runs each phase in new Linux
// namespaces under an overlay of the unpacked layers.
//
// Every phase is a chain of three processes, all started from a sealed copy of
// the running executable:
//
//	pack-cache     starts init in new namespaces and writes its id maps
//	└ init         process 1 of the phase: reaps, passes on signals, and takes
//	  │            everything along when it ends
//	  └ setup      assembles the root, drops every privilege, and becomes the
//	               phase by exec
//
// Where the files of the phases belong to other ids, in a user namespace, a
// helper in a namespace of the same ids unpacks the builder and works on the
// volumes.
//
// A program that uses the engine calls Child before anything else in main, and
// Protect before it reads a credential.
//
// The engine works as root; as an ordinary user with subordinate ids (then
// newuidmap and newgidmap write the id maps); and as an ordinary user with one
// id, which the phase sees as the build user's. It needs Linux 5.12 or newer.
//
// What this package is not for: which phases there are and in which order they
// run (packages lifecycle and platform), and how layers are unpacked (package
// builder/unpack).
package sandbox
