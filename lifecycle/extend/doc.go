// Package extend has what the CNB Image Extension specification and the lifecycle's
// extender say of an image to which Dockerfiles were applied: who its user may be,
// whether an app image on it can be rebased, where its layers come from, and the
// form in which the lifecycle's exporter wants it.
//
// What it is not for: applying Dockerfiles, which a lifecycle.Extender does.
package extend
