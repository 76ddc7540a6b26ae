package artifact_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
)

type Bird struct {
	Species string
	Mass    float64
}

type HeaviestIn struct {
	Birds artifact.Ref[[]Bird]
	Least float64
}

// Heaviest is a step.
func Heaviest(_ context.Context, in HeaviestIn) (artifact.Ref[Bird], error) {
	var heaviest Bird
	for _, b := range in.Birds.Value() {
		if b.Mass > heaviest.Mass {
			heaviest = b
		}
	}
	if heaviest.Mass < in.Least {
		return artifact.Ref[Bird]{}, fmt.Errorf("no bird of %v g or more", in.Least)
	}
	return artifact.New(heaviest), nil
}

// A step is a function: a unit test calls it.
func ExampleNew() {
	birds := []Bird{{"Adelie", 3750}, {"Gentoo", 5700}, {"Chinstrap", 3733}}
	out, err := Heaviest(context.Background(), HeaviestIn{Birds: artifact.New(birds), Least: 5000})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(out.Value())
	// Output: {Gentoo 5700}
}

// The rows of a table are made while they are stored, here by a sequence, and read one by one.
func ExampleTable() {
	lines := strings.NewReader(`{"Species": "Adelie", "Mass": 3750} {"Species": "Gentoo", "Mass": 5700} {"Species": `)
	var rows iter.Seq2[Bird, error] = func(yield func(Bird, error) bool) {
		for d := json.NewDecoder(lines); d.More(); {
			var b Bird
			err := d.Decode(&b)
			if !yield(b, err) {
				return
			}
		}
	}
	for bird, err := range artifact.NewTable(rows).Rows(context.Background()) {
		if err != nil {
			fmt.Println("error:", err)
			break
		}
		fmt.Println(bird.Species, bird.Mass)
	}
	// Output:
	// Adelie 3750
	// Gentoo 5700
	// error: unexpected EOF
}

func ExampleTableOf() {
	table := artifact.TableOf([]Bird{{"Adelie", 3750}, {"Gentoo", 5700}})
	rows, err := table.Collect(context.Background())
	fmt.Println(rows, err)
	// Output: [{Adelie 3750} {Gentoo 5700}] <nil>
}

// A Parquet file that pandas, Spark or DuckDB wrote is a table of those columns that the struct names. A column with missing values
// is a pointer.
func ExampleFromParquet() {
	type row struct {
		Species string
		Mass    *float64
	}
	for r, err := range artifact.FromParquet[row]("testdata/birds.parquet").Rows(context.Background()) {
		switch {
		case err != nil:
			log.Fatal(err)
		case r.Mass == nil:
			fmt.Println(r.Species, "was not weighed")
		default:
			fmt.Println(r.Species, *r.Mass)
		}
	}
	// Output:
	// Adelie 3750
	// Gentoo 5700
	// Chinstrap 3733
	// Gentoo was not weighed
}

// A blob is opened when someone reads it.
func ExampleBlob() {
	blob := artifact.NewBlob(func(context.Context) (io.ReadCloser, error) {
		fmt.Println("opened")
		return io.NopCloser(strings.NewReader("as large as one likes")), nil
	})
	ctx := context.Background()
	r, err := blob.Open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	fmt.Printf("%s, %v\n", content, err)
	// Output:
	// opened
	// as large as one likes, <nil>
}

// WriteReport is a step whose result is a file.
func WriteReport(context.Context, struct{}) (artifact.Ref[artifact.File], error) {
	dir, err := os.MkdirTemp("", "report")
	if err != nil {
		return artifact.Ref[artifact.File]{}, err
	}
	path := filepath.Join(dir, "report.md")
	if err := os.WriteFile(path, []byte("# Birds\n"), 0o600); err != nil {
		return artifact.Ref[artifact.File]{}, err
	}
	return artifact.New(artifact.File(path)), nil
}

// A file is its path: a step that receives it opens it with any tool.
func ExampleFile() {
	report, err := WriteReport(context.Background(), struct{}{})
	if err != nil {
		log.Fatal(err)
	}
	path := string(report.Value())
	defer os.RemoveAll(filepath.Dir(path))
	content, err := os.ReadFile(path)
	fmt.Printf("%s: %q, %v\n", filepath.Base(path), content, err)
	// Output: report.md: "# Birds\n", <nil>
}

// Interval is a type that keeps its fields to itself, so that no built-in codec can bring it back.
type Interval struct{ from, to int }

// Pass IntervalCodec to pipeline.Codecs.
var IntervalCodec = artifact.Codec[Interval]{
	Name:    "example/interval",
	Version: 1,
	Encode: func(w io.Writer, i Interval) error {
		_, err := fmt.Fprintf(w, "%d..%d", i.from, i.to)
		return err
	},
	Decode: func(r io.Reader) (i Interval, err error) {
		_, err = fmt.Fscanf(r, "%d..%d", &i.from, &i.to)
		return i, err
	},
	Describe: func(i Interval) (map[string]any, string) {
		return map[string]any{"length": i.to - i.from}, fmt.Sprintf("%d to %d", i.from, i.to)
	},
}

func ExampleCodec() {
	var stored strings.Builder
	if err := IntervalCodec.Encode(&stored, Interval{3, 12}); err != nil {
		log.Fatal(err)
	}
	again, err := IntervalCodec.Decode(strings.NewReader(stored.String()))
	meta, preview := IntervalCodec.Describe(again)
	fmt.Printf("%s as %q, %v: %v, %s\n", IntervalCodec.Name, stored.String(), err, meta, preview)
	// Output: example/interval as "3..12", <nil>: map[length:9], 3 to 12
}

func ExampleParseDigest() {
	digest, err := artifact.ParseDigest("sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03")
	fmt.Println(digest.Short(), err)
	_, err = artifact.ParseDigest("5891b5b522d5")
	fmt.Println(err)
	// Output:
	// 5891b5b522d5 <nil>
	// digest "5891b5b522d5": want sha256: and 64 lower-case hexadecimal digits
}

// A store of one's own opens content through VerifyReader, so that wrong bytes never pass for the right ones.
func ExampleVerifyReader() {
	digest := artifact.NewDigest(sha256.Sum256([]byte("hello")))
	for _, stored := range []string{"hello", "hullo", "hell"} {
		r := artifact.VerifyReader(context.Background(), io.NopCloser(strings.NewReader(stored)), digest, 5)
		_, err := io.ReadAll(r)
		if err != nil {
			fmt.Println(component.CodeOf(err), strings.Contains(err.Error(), string(digest)))
			continue
		}
		fmt.Println("verified")
	}
	// Output:
	// verified
	// corrupt true
	// corrupt true
}
