// Init is the program that the tests' containers start with.
package main

import "github.com/pack-cache/pack-cache/lifecycle/docker/inside"

func main() { inside.Child() }
