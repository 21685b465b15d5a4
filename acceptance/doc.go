// Package acceptance drives pack-cache from outside: the program as users get
// it, against real registries, with builders whose lifecycle is the stock one.
//
// Every test plays one or more machines; a machine has an empty HOME and an
// empty store of its own, as on a CI runner that has never built before.
package acceptance
