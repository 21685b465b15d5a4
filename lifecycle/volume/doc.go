// Package volume does what engines have to do with the volumes of a place: make
// them, unpack an archive into one, and open a file of one.
//
// It trusts neither archives nor what phases have left in a volume: nothing it
// does reaches out of the volume's directory.
package volume
