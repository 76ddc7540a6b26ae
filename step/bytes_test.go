package step_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/step"
)

func TestBytesText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]step.Bytes{
		"0": 0, "1": 1, "1024": 1024, " 7 ": 7, "7B": 7, "0B": 0, "-1": -1,
		"1kB": 1000, "1KiB": 1024, "512MiB": 512 << 20, "4 GiB": 4 << 30, "4GB": 4e9, "1TB": 1e12, "1TiB": 1 << 40, "2PiB": 2 << 50, "1EB": 1e18,
		"1.5GiB": 3 << 29, "0.5KiB": 512, "0.1kB": 100, "1.0001KiB": 1024, "007MiB": 7 << 20,
		"9007199254740993": 1<<53 + 1, "9223372036854775807": math.MaxInt64, "9223372036854775807B": math.MaxInt64, "7EiB": 7 << 60,
	} {
		var got step.Bytes
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, int64(got), err, int64(want))
		}
	}
}

func TestBytesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "B", "GiB", ".", ".GiB", "1.", "1.GiB", ".5GiB", "1.5", "1.5B", "-2", "-1GiB", "-0.5GiB", "+-1", "NaN", "nanGiB", "inf", "infGiB", "Infinity", "1e3", "1e3GiB",
		"0x10", "0x1p4GiB", "1_000", "1,5GiB", "1.5.5GiB", "4gb", "4G", "4Gi", "4 G B", "GiB4", "4GiBB", "4 GiB extra",
		"8EiB", "9223372036854775808", "9223372036854775807KiB", "10EB", "99999999999999999999999999999EiB", "9.3EB", strings.Repeat("9", 400) + "GiB", "1\x00GiB", "\xff",
	} {
		got := step.Bytes(42)
		err := got.UnmarshalText([]byte(text))
		if err == nil || got != 42 {
			t.Errorf("%q is taken for %d bytes (error %v)", text, int64(got), err)
			continue
		}
		if msg := err.Error(); !strings.HasPrefix(msg, "want a number of bytes, such as 1048576, 512MiB or 4GB, got ") || len(msg) > 250 {
			t.Errorf("%.40q: the error is %q", text, msg)
		}
	}
}

func TestBytesString(t *testing.T) {
	t.Parallel()
	for b, want := range map[step.Bytes]string{
		0: "0B", 1: "1B", 1023: "1023B", 1024: "1KiB", 1536: "1.5KiB", 1234567: "1.18MiB", 3 << 29: "1.5GiB", 5 << 40: "5TiB", 3 << 50: "3PiB",
		math.MaxInt64: "8EiB", -1: "-1B",
	} {
		if got := b.String(); got != want {
			t.Errorf("%d is shown as %s, want %s", int64(b), got, want)
		}
	}
}

func TestBytesRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := step.Bytes(rapid.Int64Range(-1, math.MaxInt64).Draw(t, "size"))
		if shift := rapid.IntRange(0, 62).Draw(t, "shift"); want > 0 {
			want = max(want>>shift<<(shift/2), 1) // round sizes, too
		}
		text, err := want.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var got step.Bytes
		if err := got.UnmarshalText(text); err != nil || got != want {
			t.Errorf("%d became %d through %q (error %v)", int64(want), int64(got), text, err)
		}
		if data, err := json.Marshal(map[string]step.Bytes{"b": want}); err != nil || json.Unmarshal(data, &map[string]*step.Bytes{"b": &got}) != nil || got != want {
			t.Errorf("%d became %d through %s (error %v)", int64(want), int64(got), data, err)
		}
	})
}

func TestBytesJSON(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]step.Bytes{`4096`: 4096, `"4KiB"`: 4096, `"\u0034KiB"`: 4096, `null`: 42} {
		got := step.Bytes(42)
		if err := json.Unmarshal([]byte(data), &got); err != nil || got != want {
			t.Errorf("%s is %d, %v; want %d", data, int64(got), err, int64(want))
		}
	}
	for _, data := range []string{`1.5`, `1e3`, `true`, `[]`, `{}`, `""`, `"x"`} {
		got := step.Bytes(42)
		if err := json.Unmarshal([]byte(data), &got); err == nil || got != 42 {
			t.Errorf("%s is taken for %d bytes", data, int64(got))
		}
	}
}

func FuzzBytes(f *testing.F) {
	for _, seed := range []string{"1", "4GiB", "1.5GB", "-1", "9223372036854775807", "0.000001kB", "NaN"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var b, again step.Bytes
		if b.UnmarshalText([]byte(text)) != nil {
			return
		}
		if b < -1 {
			t.Fatalf("%q is %d bytes", text, int64(b))
		}
		exact, err := b.MarshalText()
		if err != nil || again.UnmarshalText(exact) != nil || again != b {
			t.Fatalf("%q is %d, its exact form %q is %d", text, int64(b), exact, int64(again))
		}
	})
}
