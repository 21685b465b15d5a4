// Package inplace has the engines for containers that allow nothing: no
// namespaces, no mounts, no daemon, often not even root. Phases are processes
// beside pack-cache, in the container's own file system.
//
//   - Engine works where pack-cache runs inside the builder image.
//   - Takeover works in an image of pack-cache's own (package takeoverimage): it
//     unpacks a builder onto the container's root.
//
// What keeps phases apart is Landlock, no_new_privs, a seccomp filter and, where
// pack-cache is root, another user. A phase of the builder may read what the
// image has brought along, write to its volumes, and nothing else: not the home
// directory of whoever runs pack-cache, not what the container has mounted, and
// no other process' memory, environment or open files. What it can see are the
// arguments of other processes of the container, as anywhere in a container, and
// the network. Without Landlock only a trusted builder is accepted.
//
// Each phase is a chain of processes, all started from a sealed copy of the
// running executable:
//
//	pack-cache
//	└ keeper     takes in what the phase leaves behind, and ends all of it
//	  └ starter  gives up every right and becomes the phase by exec
//
// Nothing can be mounted: the volumes for layers and source are the directories
// /layers and /workspace themselves, because paths in them end up in the app
// image; the others are below a directory of the engine's (Paths). There is one
// place at a time. What /workspace held moves out of the way until Close.
//
// A program that uses the engines calls Child before anything else in main, and
// confine.Protect before it reads a credential.
package inplace
