package artifacttest

import (
	"strings"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

func digestTests() []test {
	return []test{{"Malformed", malformedDigests}}
}

// malformed returns texts that are no digests, most of which somebody would like to be a path.
func malformed() []artifact.Digest {
	sum := strings.Repeat("ab", 32)
	return []artifact.Digest{
		"sha256:",
		"sha256",
		artifact.Digest(sum),
		artifact.Digest("sha256:" + sum[:63]),
		artifact.Digest("sha256:" + sum + "0"),
		artifact.Digest("sha256:" + strings.ToUpper(sum)),
		artifact.Digest("SHA256:" + sum),
		artifact.Digest("sha512:" + sum),
		artifact.Digest("sha256/" + sum),
		artifact.Digest(" sha256:" + sum),
		artifact.Digest("sha256:" + sum + "\n"),
		artifact.Digest("sha256:" + sum[:63] + "\x00"),
		artifact.Digest("sha256:" + sum[:63] + "g"),
		artifact.Digest("sha256:" + sum[:62] + "\u00e9"),
		artifact.Digest("sha256:" + sum[:62] + "\xff\xfe"),
		artifact.Digest("sha256:" + strings.Repeat("../", 21) + "a"),
		artifact.Digest("sha256:" + sum[:2] + "/" + sum[3:]),
		artifact.Digest("sha256:" + sum[:2] + `\` + sum[3:]),
		"sha256:../../../../etc/passwd",
		"../../../../etc/passwd",
		"/etc/passwd",
		`C:\Windows\win.ini`,
		"file:///etc/passwd",
		artifact.Digest(strings.Repeat("a", 1<<20)),
	}
}

func malformedDigests(s *suite) {
	store := s.store()
	content := random(1, 100)
	s.put(store, content)
	for _, digest := range append(malformed(), "") {
		shown := digest[:min(80, len(digest))]
		_, err := s.read(store, digest)
		s.checkCode("Open of "+string(shown), err, component.Invalid)
		_, err = store.Stat(s.Context(), digest)
		s.checkCode("Stat of "+string(shown), err, component.Invalid)
		s.checkCode("Delete of "+string(shown), store.Delete(s.Context(), digest), component.Invalid)
		if digest == "" {
			continue // the beginning
		}
		_, err = store.List(s.Context(), digest, 10)
		s.checkCode("List after "+string(shown), err, component.Invalid)
	}
	s.checkStored(store, content)
}
