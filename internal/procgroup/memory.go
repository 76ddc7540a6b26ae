package procgroup

// OutOfMemory begins the line that a process prints to its standard error when it ends itself for [LimitMemory].
const OutOfMemory = "out of memory: the process "
