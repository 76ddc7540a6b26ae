package cli

import (
	"runtime/debug"
	"testing"
)

func TestDownloadable(t *testing.T) {
	t.Parallel()
	tenon := func(version, sum string) debug.Module {
		return debug.Module{Path: module, Version: version, Sum: sum}
	}
	replaced := tenon("v1.2.3", "h1:x")
	replaced.Replace = &debug.Module{Path: "../tenon"}
	dep := tenon("v1.2.3", "h1:x")
	for _, test := range []struct {
		name string
		info *debug.BuildInfo
		want string
	}{
		{"unknown", nil, ""},
		{"installed", &debug.BuildInfo{Main: tenon("v1.2.3", "h1:x")}, "v1.2.3"},
		{"built in a checkout", &debug.BuildInfo{Main: tenon("v0.0.0-20261125140203-0123456789ab+dirty", "")}, ""},
		{"without version control", &debug.BuildInfo{Main: tenon("(devel)", "")}, ""},
		{"with flavors of one's own", &debug.BuildInfo{Main: debug.Module{Path: "example.com/ctl", Sum: "h1:x"}, Deps: []*debug.Module{{Path: "example.com/a", Sum: "h1:x"}, &dep}}, "v1.2.3"},
		{"replaced", &debug.BuildInfo{Main: debug.Module{Path: "example.com/ctl"}, Deps: []*debug.Module{&replaced}}, ""},
	} {
		if got := downloadable(test.info); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
