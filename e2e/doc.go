// Package e2e holds tests that need more than one process or dependencies that the SDK does not have, in a module of its own.
//
//   - edits: which steps find their results in the cache after edits of the program, by a table and at random
//   - external: values of one's own and of a third party, stored by one process and read back equal by another
//   - faults: whole programs on one home, with damaged artifacts, interrupted, killed again and again at random and at named points
//   - gc: garbage collection beside programs that put, find and delete, in one process and in several, and of collectors that are killed
//   - loopback: an artifact store behind a throwaway gRPC service, which shows that the interface fits a network
//   - multiprocess: artifact stores in several processes on one directory, one of which is killed
//   - repro: the tests that "tenon run repro" writes into a program, which fail as its steps did, anywhere, until they are mended
//   - scale: very large graphs, chains and maps, many steps that end at once, and what is read of a store that holds very many runs
//   - sources: outside data from submit to step, what an edit makes run again, and what it does not
//   - workers: steps in processes of their own, which lose their program, its executable, its socket or its home, hang, fork, and cost little
package e2e
