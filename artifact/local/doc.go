// Package local is the artifact store in a directory of this machine.
//
// [Flavor] is what a stack uses; [Open] is for programs that embed the store:
//
//	store, err := local.Open("/var/lib/tenon/artifacts")
//
// Content lies in sha256/<2 hexadecimal digits>/<the other 62>, in read-only files with exactly the bytes that were stored, so
// that other tools can read, copy and check them (sha256sum). A Put writes to a file below tmp, flushes it, renames it into
// place and flushes the directories: content is visible whole or not at all, also after a power cut.
//
// Any number of goroutines and processes of one host may use a directory at once. Each process that writes holds the lock of
// a folder of its own below tmp; the operating system frees the lock when the process ends, however it ends, and the next
// Open removes what it left. A directory that several hosts mount is not supported: use a store made for it.
package local
