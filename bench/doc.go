// Bench measures Tenon end to end against the budgets of docs/performance.md and prints a table in Markdown:
//
//	go run ./bench                    # all rows
//	go run ./bench -rows chain,wide   # some
//	go run ./bench -rows 'scale-*,memory-*'
//	go run ./bench -rounds 7          # the median of more rounds
//	go run ./bench -o json            # with best and worst of the rounds, in one document
//
// Rows with a baseline show the ratio to it, measured in the same run, because machines are noisy. The same workloads are Go
// benchmarks: go test -bench . ./bench
//
// The rows of scale need a home of a million attempts, which takes a minute to make and 1.5 GB of disk; TENON_BENCH_FULL_HOME names a directory that
// keeps it. The artifact of memory-artifact needs 6 GiB of disk while it is measured.
package main
