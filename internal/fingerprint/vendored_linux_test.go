package fingerprint

import (
	"os"
	"slices"
	"testing"
)

// Vendored modules count by the content of what is linked, also what is no Go.
func TestVendored(t *testing.T) {
	t.Parallel()
	for name, workspace := range map[string]bool{"of the module": false, "of the workspace": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := declaredFixture(t)
			dir, command := "app/vendor", []string{"mod", "vendor"}
			m.env = append(m.env, "GOFLAGS=")
			if workspace {
				m.write("go.work", "go 1.26.0\n\nuse ./app\n")
				m.env = append(m.env, "GOWORK="+m.path("go.work"))
				dir, command = "vendor", []string{"work", "vendor"}
			}
			if out, err := m.command("app", "go", command...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			first := m.run("app", "go", "run", ".")
			m.mode("vendored", first, ModeSource)
			if !slices.ContainsFunc(first.Parts, func(p Part) bool { return p.Name == "modules that are used from disk" }) {
				t.Errorf("declarations are not looked at: %v", first.Parts)
			}
			m.same("a second run", first, m.run("app", "go", "run", "."))
			last := first
			next := func(what string) {
				t.Helper()
				now := m.run("app", "go", "run", ".")
				m.mode(what, now, ModeSource)
				m.differs(what, last, now)
				last = now
			}
			m.edit(dir+"/github.com/tenon-ml/tenon/component/doc.go", "package component", "package component // edited")
			next("an edit of a module that is replaced, and vendored")
			m.edit(dir+"/golang.org/x/sys/unix/asm_linux_amd64.s", "#include", "// edited\n#include")
			next("an edit of a vendored file of assembly")
			m.write(dir+"/golang.org/x/sys/unix/more.go", "package unix\n")
			next("a new file in a vendored package")
			m.write("app/lib/lib.go", "package lib\n")
			if now := m.run("app", "go", "run", "."); now.plain() != last.plain() {
				t.Error("an edit of a package that is not linked counts")
			}
			m.edit("app/main.go", "func plain(context.Context, foo) (bar, error) { return bar{}, nil }", "func plain(context.Context, foo) (bar, error) { return bar{\"x\"}, nil }")
			next("an edit of the step")
			m.mode("a vendored file is saved", m.during(func() {
				m.edit(dir+"/github.com/tenon-ml/tenon/component/doc.go", "// edited", "// edited again")
			}, "app", "go", "run", "."), ModeExecutable)
			if err := os.WriteFile(m.path(dir+"/golang.org/x/sys/unix/more.go"), []byte("package unix\n\nconst more = 1\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			next("after that")
		})
	}
}
