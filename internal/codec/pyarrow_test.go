package codec

import (
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tenon-ml/tenon/component"
)

// python runs a script with pyarrow, the other tool that these tests hold Parquet against.
func python(t *testing.T, script string, args ...string) string {
	t.Helper()
	if err := exec.CommandContext(t.Context(), "python3", "-c", "import pyarrow.parquet").Run(); err != nil {
		t.Skip("python3 with pyarrow is not here")
	}
	out, err := exec.CommandContext(t.Context(), "python3", append([]string{"-c", script}, args...)...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	return string(out)
}

func TestAnotherToolReadsOurParquet(t *testing.T) {
	t.Parallel()
	rows := allKindsRows(t)
	rows[2].S = "UTF-8"
	path := filepath.Join(t.TempDir(), "rows.parquet")
	if err := os.WriteFile(path, encode(t, codecFor[[]allKinds](t), rows).data, 0o600); err != nil {
		t.Fatal(err)
	}
	golden(t, "pyarrow.txt", python(t, `
import sys, pyarrow.parquet as pq
t = pq.read_table(sys.argv[1])
for i, name in enumerate(t.column_names):
    c = t.column(i)
    if str(c.type).startswith("timestamp"):
        c = c.cast("int64")
    print(f"{name:<8} {str(t.schema.types[i]):<22} {c.to_pylist()}")
print(pq.ParquetFile(sys.argv[1]).metadata.created_by)
`, path))
}

// foreign is read from files that pyarrow writes.
type foreign struct {
	ID    int32
	Big   int64
	Uns   uint64
	Score *float64
	Half  float64 // a float32 column
	Name  *string
	Long  string
	Cat   string // a dictionary
	Flag  *bool
	Blob  []byte
	Ms    time.Time
	Us    time.Time
	Ns    *time.Time
	Zoned time.Time
	Day   time.Time
	Old   time.Time `parquet:"int96"`
}

func TestWhatAnotherToolWroteIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	python(t, `
import sys, datetime as dt, pyarrow as pa, pyarrow.parquet as pq
n = 5000
at = lambda i: dt.datetime(2024, 2, 29, 12, 0, 0) + dt.timedelta(seconds=i)
def table(old):
    c = {
        "id": pa.array(range(n), pa.int32()),
        "big": pa.array([(1 << 53) + 1 + i for i in range(n)], pa.int64()),
        "uns": pa.array([(1 << 64) - 1 - i for i in range(n)], pa.uint64()),
        "score": pa.array([None if i % 3 == 0 else float("nan") if i % 3 == 1 else i / 2 for i in range(n)], pa.float64()),
        "half": pa.array([i / 4 for i in range(n)], pa.float32()),
        "name": pa.array([None if i % 2 else f"n{i}" for i in range(n)], pa.string()),
        "long": pa.array([f"{i}" * 50 for i in range(n)], pa.large_string()),
        "cat": pa.array([["red", "green", "blue"][i % 3] for i in range(n)]).dictionary_encode(),
        "flag": pa.array([None if i % 5 == 0 else i % 2 == 0 for i in range(n)], pa.bool_()),
        "blob": pa.array([None if i % 7 == 0 else b"" if i % 7 == 1 else bytes([i % 256]) for i in range(n)], pa.binary()),
        "ms": pa.array([at(i) for i in range(n)], pa.timestamp("ms")),
        "us": pa.array([at(i) for i in range(n)], pa.timestamp("us")),
        "ns": pa.array([None if i % 2 else at(i) for i in range(n)], pa.timestamp("ns")),
        "zoned": pa.array([at(i) for i in range(n)], pa.timestamp("us", tz="Europe/Berlin")),
        "day": pa.array([at(i).date() for i in range(n)], pa.date32()),
    }
    c["int96"] = pa.array([at(i) for i in range(n)], pa.timestamp("ns"))
    return pa.table(c)
t = table(False)
for codec in ["none", "snappy", "gzip", "zstd", "brotli"]:
    pq.write_table(t.drop(["int96"]).append_column("int96", t["int96"]), f"{sys.argv[1]}/{codec}.parquet", compression=codec, row_group_size=1700)
pq.write_table(t, f"{sys.argv[1]}/v1.parquet", version="1.0", data_page_version="1.0", use_deprecated_int96_timestamps=True)
pq.write_table(t, f"{sys.argv[1]}/v2pages.parquet", data_page_version="2.0", use_dictionary=False, data_page_size=1000, write_page_checksum=True)
pq.write_table(t, f"{sys.argv[1]}/encodings.parquet", use_dictionary=False,
    column_encoding={"id": "DELTA_BINARY_PACKED", "big": "DELTA_BINARY_PACKED", "long": "DELTA_LENGTH_BYTE_ARRAY", "name": "DELTA_BYTE_ARRAY", "score": "BYTE_STREAM_SPLIT"})
pq.write_table(t.slice(0, 0), f"{sys.argv[1]}/empty.parquet")
`, dir)
	files, err := filepath.Glob(filepath.Join(dir, "*.parquet"))
	if err != nil || len(files) != 9 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".parquet")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := readRows[foreign](t, data, true)
			if err != nil {
				t.Fatal(err)
			}
			if name == "empty" {
				if rows == nil || len(rows) != 0 {
					t.Errorf("got %v", rows)
				}
				return
			}
			if len(rows) != 5000 {
				t.Fatalf("%d rows", len(rows))
			}
			for i, r := range rows {
				checkForeign(t, i, r)
				if t.Failed() {
					return
				}
			}
		})
	}
}

func checkForeign(t *testing.T, i int, r foreign) {
	t.Helper()
	at := time.Date(2024, 2, 29, 12, 0, i, 0, time.UTC)
	day := at.Truncate(24 * time.Hour)
	ok := int(r.ID) == i && r.Big == 1<<53+1+int64(i) && r.Uns == math.MaxUint64-uint64(i) && r.Half == float64(i)/4 &&
		(r.Name == nil) == (i%2 == 1) && strings.HasPrefix(r.Long, "") && len(r.Long) >= 50 && r.Cat == []string{"red", "green", "blue"}[i%3] &&
		(r.Flag == nil) == (i%5 == 0) && (r.Flag == nil || *r.Flag == (i%2 == 0)) &&
		r.Ms.Equal(at) && r.Us.Equal(at) && (r.Ns == nil) == (i%2 == 1) && (r.Ns == nil || r.Ns.Equal(at)) && r.Zoned.Equal(at) && r.Day.Equal(day) && r.Old.Equal(at)
	switch i % 3 {
	case 0:
		ok = ok && r.Score == nil
	case 1:
		ok = ok && r.Score != nil && math.IsNaN(*r.Score)
	case 2:
		ok = ok && r.Score != nil && *r.Score == float64(i)/2
	}
	switch i % 7 {
	case 0:
		ok = ok && r.Blob == nil
	case 1:
		ok = ok && r.Blob != nil && len(r.Blob) == 0
	default:
		ok = ok && len(r.Blob) == 1 && r.Blob[0] == byte(i)
	}
	if !ok {
		t.Errorf("row %d: %+v", i, r)
	}
}

func TestUnsafeCompressionIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lz4.parquet")
	python(t, `import sys, pyarrow as pa, pyarrow.parquet as pq; pq.write_table(pa.table({"a": [1] * 1000}), sys.argv[1], compression="lz4")`, path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = readRows[struct{ A int }](t, data, true)
	want(t, err, component.Unsupported, `column "a": compression LZ4_RAW is not read: write the file with zstd, snappy or gzip`)
}

func TestForeignColumnsThatDoNotFit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "odd.parquet")
	python(t, `
import sys, decimal, pyarrow as pa, pyarrow.parquet as pq
pq.write_table(pa.table({
    "list": pa.array([[1, 2]]), "struct": pa.array([{"a": 1}]), "money": pa.array([decimal.Decimal("1.50")], pa.decimal128(9, 2)), "neg": pa.array([-1], pa.int64()),
    "huge": pa.array([(1 << 53) + 1], pa.int64()), "x": pa.array([1.5]), "f16": pa.array([1], pa.float16()),
}), sys.argv[1])
`, path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		read func() error
		text string
	}{
		{func() error { _, err := readRows[struct{ List int }](t, data, false); return err }, `column "list" for field List is nested: only plain columns can be read into a struct`},
		{func() error { _, err := readRows[struct{ Struct int }](t, data, false); return err }, `column "struct" for field Struct is nested: only plain columns can be read into a struct`},
		{func() error { _, err := readRows[struct{ Money float64 }](t, data, false); return err }, `column "money" of type DECIMAL(9,2) does not fit field Money of type float64`},
		{func() error { _, err := readRows[struct{ Neg uint64 }](t, data, false); return err }, `row 0, column "neg": -1 does not fit type uint64`},
		{func() error { _, err := readRows[struct{ Huge float64 }](t, data, false); return err }, `row 0, column "huge": 9007199254740993 does not fit type float64`},
		{func() error { _, err := readRows[struct{ X int }](t, data, false); return err }, `column "x" of type DOUBLE does not fit field X of type int`},
		{func() error { _, err := readRows[struct{ F16 string }](t, data, false); return err }, `column "f16" of type FIXED_LEN_BYTE_ARRAY(2) does not fit field F16 of type string`},
		{func() error { _, err := readRows[struct{ F16 float64 }](t, data, false); return err }, `column "f16" of type FIXED_LEN_BYTE_ARRAY(2) does not fit field F16 of type float64`},
	} {
		if err := tc.read(); err == nil || err.Error() != tc.text {
			t.Errorf("got  %v\nwant %s", err, tc.text)
		}
	}
}
