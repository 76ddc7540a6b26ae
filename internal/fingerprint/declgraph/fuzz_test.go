package declgraph

import (
	"reflect"
	"testing"
)

// FuzzScan checks that whatever a file holds, its summary survives encoding.
func FuzzScan(f *testing.F) {
	for _, src := range module {
		f.Add([]byte(src))
	}
	f.Add([]byte("package p\n\n//go:embed x\nvar x, _ = <-c, func(a, b int) (c, d int) { goto l; l: return }\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		file := Scan(src)
		again, ok := Decode(file.Encode())
		if !ok || !reflect.DeepEqual(file.Encode(), again.Encode()) {
			t.Fatalf("%q: its summary does not survive", src)
		}
		Link("m", nil, []Source{{Name: "m/a.go", File: file}})
	})
}

// FuzzDecode checks that no bytes are more than refused.
func FuzzDecode(f *testing.F) {
	for _, src := range module {
		f.Add(Scan([]byte(src)).Encode())
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		if file, ok := Decode(data); ok {
			Link("m", nil, []Source{{Name: "m/a.go", File: file}})
		}
	})
}
