// Package workerv1 is the worker protocol, version 1: what a worker says to what started it. Its source is worker.proto, whose comments are
// the contract. How it may change is in docs/protocol.md.
package workerv1

//go:generate env GOWORK=off go -C ../../.. run github.com/bufbuild/buf/cmd/buf@v1.75.0 lint
//go:generate env GOWORK=off go -C ../../.. run github.com/bufbuild/buf/cmd/buf@v1.75.0 generate
