// Dbos does the work of package bench with DBOS Transact for Go on SQLite, once, and prints when the measured part began and ended.
// Package bench builds and starts it; it is a module of its own, outside the workspace, so that what DBOS needs decides about
// nothing that Tenon is built with:
//
//	cd bench/dbos && GOWORK=off go run . -work chain -n 1000 -dir "$(mktemp -d)"
//
// Where there is a choice, it takes what is fastest for DBOS. Steps that do not depend on each other run as steps of one workflow
// rather than as child workflows, which take seven times as long, and a few at a time. What continues a workflow is measured from the
// first line of its function to the last, without the queue that starts it.
package main
