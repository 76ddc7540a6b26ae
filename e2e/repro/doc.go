// Package repro calls steps of a real program again, by the tests that "tenon run repro" writes into it.
package repro
