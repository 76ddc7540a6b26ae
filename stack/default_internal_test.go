package stack

import "testing"

// The default stack is read without a YAML parser, and is the one that the parser would read.
func TestDefaultText(t *testing.T) {
	t.Parallel()
	if got := string(Default().YAML()); got != defaultText {
		t.Errorf("the default stack is written as %q, and read as %q", got, defaultText)
	}
	for name, text := range map[string]string{"short way": defaultText, "parser": defaultText + "# read by the parser\n"} {
		s, err := Parse([]byte(text), "stack")
		if err != nil {
			t.Fatal(err)
		}
		if got := string(s.YAML()); got != defaultText {
			t.Errorf("%s: the default stack is read as %q", name, got)
		}
	}
}
