package command

import "syscall"

// diesWithHost makes the system kill a program when the process that started it ends, however that ends.
func diesWithHost() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
