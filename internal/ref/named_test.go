package ref

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseNamed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"penguins/Model":          "penguins/Model@latest",
		"penguins/Model@latest":   "penguins/Model@latest",
		"penguins/Model@3":        "penguins/Model@3",
		"a/b@9223372036854775807": "a/b@9223372036854775807",
	} {
		n, err := ParseNamed(text)
		if err != nil || n.String() != want || n.Name+"@" != want[:strings.IndexByte(want, '@')+1] {
			t.Errorf("%s is %v, %v", text, n, err)
		}
	}
	for text, want := range map[string]string{
		"":                               "write it as",
		"Model":                          "write it as",
		"/Model":                         "write it as",
		"penguins/":                      "write it as",
		"penguins/@3":                    "write it as",
		"@3":                             "write it as",
		"a/b/c":                          "write it as",
		"a/b@":                           `"" is no version`,
		"a/b@0":                          `"0" is no version`,
		"a/b@-1":                         "is no version",
		"a/b@+1":                         "is no version",
		"a/b@01":                         "is no version",
		"a/b@1x":                         "is no version",
		"a/b@Latest":                     "is no version",
		"a/b@1@2":                        "is no version",
		"a/b@9223372036854775808":        "is no version",
		"a/" + strings.Repeat("b", 1000): "1002 bytes are too long",
	} {
		if n, err := ParseNamed(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q is %v, %v; want %s", text, n, err, want)
		}
	}
}

// What is accepted has one form, which is accepted again and means the same.
func TestNamedHasOneForm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, err := ParseNamed(rapid.StringMatching(`[a-z/@]{0,3}/?[A-Z]{0,2}@?(latest|-?[0-9]{0,3})?`).Draw(t, "text"))
		if err != nil {
			return
		}
		again, err := ParseNamed(n.String())
		if err != nil || again != n || (Edge{Use: n.String()}).Check(nil) != nil {
			t.Fatalf("%+v is written %s, which is %+v, %v", n, n, again, err)
		}
	})
}
