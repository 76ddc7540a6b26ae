package artifacttest

func lifetimeTests() []test {
	return []test{{"Reopen", lifetimeReopen}, {"CloseUnused", lifetimeCloseUnused}}
}

// What Put returned for is still there in another store on the same content, after the first was closed.
func lifetimeReopen(s *suite) {
	if s.Reopen == nil {
		s.Skip("the harness has no Reopen")
	}
	first := s.Open(s.T)
	contents := [][]byte{nil, random(1, 100), random(2, 1<<20)}
	for _, content := range contents {
		s.put(first, content)
	}
	if err := first.Close(); err != nil {
		s.Errorf("Close: %v", err)
	}
	second := s.Reopen(s.T, first)
	for _, content := range contents {
		s.checkStored(second, content)
	}
	s.checkList(second, contents...)
	added := random(3, 100)
	s.put(second, added)
	s.checkList(second, append(contents, added)...)
	s.checkClean(second)
	if err := second.Close(); err != nil {
		s.Errorf("Close: %v", err)
	}
}

func lifetimeCloseUnused(s *suite) {
	if err := s.Open(s.T).Close(); err != nil {
		s.Errorf("Close of a store that was not used: %v", err)
	}
}
