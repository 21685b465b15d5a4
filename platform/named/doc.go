// Package named finds caches by the names that users give them in
// pack-cache.toml.
//
// A file that the user did not write must not make pack-cache send a secret
// somewhere. The user's own file is the one beside config.toml; any other may
// have come with the source, and is read with suspicion, whatever flag names it:
//
//   - The registry must be one that the user has named elsewhere. So no
//     credential, nor the cache itself, goes to a host that only the file names.
//   - Host, namespace and image tag travel in the clear and end up in logs, and on
//     a host where everybody has a namespace everybody can see them. In them, only
//     variables are replaced whose names say that they are places.
//   - A directory must be below that of the file.
//
// What it is not for: opening the cache (package platform).
package named
