// Package procgroup runs a process together with all that it starts, and ends them together.
//
// The host calls [Start]: the process leads a group of its own, and [Group.Wait] returns when the group is gone, however its leader
// ended. The leader may call [LeaveTerminal], [LimitMemory], and [KillOwn] to end itself with its group.
//
// On unix a process escapes if it leaves the group: with setsid, or as the job of a shell with job control. On Linux those are found by a
// variable of their environment if the leader was killed or failed; after a leader that ended well, what it sent away on purpose is
// left alone. A leader that ends since its host is gone ends them with [KillMarked]. What runs as another user, as with sudo, cannot be
// killed.
//
// On Windows the group is a job object, which also ends with the host. What a process starts in the microseconds before it is
// assigned to its job would escape; the runtime of a Go program takes longer to come up.
package procgroup
