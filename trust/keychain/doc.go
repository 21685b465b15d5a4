// Package keychain finds the user's credentials for registries, where Docker, Podman
// and the lifecycle look for them: in the environment, in the files that a login
// leaves, with credential helpers, and in the identity that a machine has in a cloud.
//
// It is written here, and not taken from a library, because helpers are looked for
// only in the absolute directories of PATH, a login may be for one repository, and no
// error shows what a file says.
//
// What this package is not for: deciding which phase gets a credential, which is
// package trust's.
package keychain
