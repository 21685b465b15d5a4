// Package caches is the list of the kinds of caches, and the grammar in which
// users name one: --import-cache and --export-cache as in BuildKit, --cache and
// --cache-image as in pack.
//
// A kind is a struct whose tags describe its attributes (package attrs), and a
// function that opens the store. Parsing, help and docs/caches.md come from the
// same structs, and so does what a phase makes of a location.
//
// What it is not for: keeping a cache (the stores, below package layers), and
// checking references (package platform).
package caches
