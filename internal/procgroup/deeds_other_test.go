//go:build !linux

package procgroup_test

func leaveZombie()   {}
func keepZombie()    {}
func leaveTerminal() {}
func keepTerminal()  {}
func endEscaped()    {}
