//go:build !linux

package command

import "syscall"

// diesWithHost is nothing: Windows ends a program with its host by the group, other systems have no such thing.
func diesWithHost() *syscall.SysProcAttr { return nil }
