// Package caches has the flags with which users name caches: --import-cache and
// --export-cache as in BuildKit, --cache and --cache-image as in pack, and named
// caches.
//
// What it is not for: what can be written as a location (package kinds).
package caches
