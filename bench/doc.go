// Bench measures Tenon end to end against the budgets of docs/design.md and prints a table in Markdown:
//
//	go run ./bench                    # all rows
//	go run ./bench -rows chain,wide   # some
//	go run ./bench -rounds 5          # the median of more rounds
//
// Rows with a baseline show the ratio to it, measured in the same run, because machines are noisy. The same workloads are Go
// benchmarks: go test -bench . ./bench
package main
