package unlinked

func F() int { return 1 }
