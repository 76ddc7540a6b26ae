package procgroup

// LeaveTerminal does nothing: on Windows no process is stopped for its terminal.
func LeaveTerminal() {}
