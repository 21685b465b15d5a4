// Package acceptance drives pack-cache from outside: the program as users get
// it, against real registries, with builders whose lifecycle is the stock one.
//
// Every test plays one or more machines; a machine has an empty HOME and an
// empty store of its own, as on a CI runner that has never built before.
//
// # The main job
//
//   - warm_test.go: every combination of layer flags, cold and warm
//   - layers_test.go: layers that change between two builds
//   - java_test.go: a real application with Maven
//   - registries_test.go: builder, app and cache in every registry
//   - engines_test.go: the same build with every engine
//   - containers_test.go: builds in containers that allow nothing
//   - launch_test.go: the app image starts
//   - workflow_test.go: the example workflow for GitHub Actions
//
// # What users say
//
//   - usage_test.go: command lines that make no sense
//   - flags_test.go: one flag after the other
//   - flags_source_test.go: flags about the source, zip files, and refused flags
//   - env_file_test.go: files of environment variables
//   - config_test.go: mirrors in config.toml, and builder inspect
//   - project_test.go: every key of project.toml
//   - pull_policy_test.go: when registries are asked
//   - pipes_test.go: named pipes instead of files
//   - words_test.go: what is said of faults, and the exit codes
//   - hints_test.go: hints fit what has happened
//
// # Source
//
//   - source_closed_test.go: files that nobody may read
//   - source_names_test.go: buildpacks that the source may not name
//   - source_special_test.go: files that an image cannot have
//
// # Builders, buildpacks and run images
//
//   - builder_refused_test.go: images that are not usable builders
//   - builder_store_test.go: unpacked builders that are damaged
//   - buildpack_test.go: buildpacks named in every way
//   - extensions_test.go: image extensions
//   - group_test.go: buildpacks that leave the group and return; times
//   - old_lifecycles_test.go: lifecycles and Buildpack APIs of other times
//   - unspoken_apis_test.go: no API in common
//   - pack_made_test.go: builders that pack has made
//   - paketo_test.go: Paketo's buildpacks
//   - paketo_composite_test.go: Paketo's composite buildpacks
//   - paketo_engines_test.go: Paketo's buildpacks on every engine
//   - paketo_maven_test.go: what Paketo does for Maven and Gradle
//   - run_image_kinds_test.go: run images that say more or less of themselves
//
// # Caches
//
//   - cache_options_test.go: how caches are named, compressions, several exports
//   - cache_actions_test.go: the cache service of GitHub Actions
//   - cache_azblob_test.go: Azure Blob Storage
//   - cache_s3_test.go: S3
//   - cache_local_test.go: directories
//   - cache_daemons_test.go: directories, with a daemon
//   - cache_inline_test.go: app images that are their own cache
//   - named_test.go: named caches, and prime
//   - cache_fallback_test.go: several imports
//   - cache_commands_test.go: inspect, list, copy, verify, prune
//   - cache_other_test.go: --clear-cache, and caches for another target
//   - cache_partly_test.go: damaged layers
//   - cache_rights_test.go: caches that may not be written
//   - cache_times_test.go: modification times
//   - cache_unused_test.go: caches that cannot be reached or are none
//   - writers_test.go: builds that save at once
//
// # Where an app image goes
//
//   - daemon_output_test.go: to daemons
//   - containerd_store_test.go: to Docker with the containerd image store
//   - layout_output_test.go: to directories and files
//   - outputs_refused_test.go: to places that cannot be written
//   - previous_elsewhere_test.go: with a previous image in another registry
//
// # Beside other programs
//
//   - equality_test.go: the images of the stock lifecycle
//   - interchange_test.go: caches of the stock lifecycle
//   - beside_pack_test.go: pack itself
//   - paketo_beside_pack_test.go: pack itself, with Paketo's buildpacks
//   - tools_test.go: skopeo, crane, buildah and others
//
// # Trust and credentials
//
//   - trust_test.go: how a builder is judged
//   - login_test.go: every kind of credential on every kind of registry
//   - grants_test.go: what each phase is given
//   - leaks_test.go: failures and crashes leak nothing
//   - project_private_test.go: private images that only the source names
//   - run_image_test.go: private run images that only the builder names
//
// # Attacks
//
//   - attack_test.go: a buildpack that attacks, on every engine
//   - walls_test.go: files and links planted for own phases
//   - previous_hostile_test.go: a hostile previous image
//   - previous_lost_test.go: a previous image that is lost in part, or moves
//   - cache_hostile_test.go: hostile layers in a cache
//   - cache_bombs_test.go: small blobs with large archives
//   - foreign_modes_test.go: modes by which nobody can go on
//
// # Faults
//
//   - faulty_test.go: the table of faults, for every store
//   - faulty_images_test.go: faults of the registries of builder and app
//   - faulty_inline_test.go: faults of a cache in an app image
//   - registry_odd_test.go: registries with unusual answers
//   - registry_refuses_test.go: registries that refuse
//   - requests_test.go: how often a warm build asks a registry
//   - registry_unverified_test.go: certificates that nobody knows
//   - waiting_test.go: registries that stop answering
//   - disk_full_test.go: too little room
//   - memory_test.go: builds in memory
//   - phase_fails_test.go: buildpacks that fail
//   - died_test.go: phases that are killed
//   - killed_test.go: builds that are killed at random moments
//   - interrupt_test.go: builds that are interrupted
//   - daemons_test.go: interrupts and restarts, with a daemon
//
// # What the tests stand on
//
//   - main_test.go: the program under test, and the registry
//   - machine_test.go: a machine
//   - running_test.go: a command that runs
//   - app_test.go: an application's source
//   - extra_test.go: buildpacks that no builder has
//   - stock_test.go: the stock lifecycle
//   - everything_test.go: one of each thing that pack-cache writes
//   - artifact_test.go: repositories and digests in the registry
//   - cacheimage_test.go: a cache image as others see it
//   - daemon_kept_test.go: an image in a daemon
//   - state_test.go: what a registry keeps
//   - tree_test.go: the archive of a layer
//   - remade_test.go: images with other archives or labels
//   - text_test.go: texts in an output
//   - secrets_test.go: texts that must not be seen
//   - canaries_test.go: secrets in everything that a program could pass on
//   - faulty_kinds_test.go: kinds of faults
//   - faulty_stores_test.go: stores behind a proxy
package acceptance
