// Package explain edits a program that "go run" starts, and asks the tenon command why its steps ran then.
package explain
