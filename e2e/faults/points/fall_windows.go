package points

import "os"

// fall notes the kill, and ends this process without a word.
func fall(note string) {
	if err := os.WriteFile(order().note(), []byte(note), 0o600); err != nil {
		panic(err)
	}
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	panic(err)
}
