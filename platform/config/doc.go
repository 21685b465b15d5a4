// Package config reads and edits config.toml, the configuration that pack-cache
// shares with pack: trusted builders, the default builder, mirrors, the pull policy.
//
// What this package is not for: deciding who is trusted (package trust), and doing
// what the settings say.
package config
