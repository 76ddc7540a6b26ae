// Package registry is the component kind that says where container images go: a client pushes the image of a pipeline there, and
// what runs its steps pulls it.
//
// The kind is small because the protocol is a standard: a [Registry] says where, and with which credentials; images themselves
// travel by the OCI distribution protocol.
package registry
