package workerrpc

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/worker"
	workerv1 "github.com/tenon-ml/tenon/proto/tenon/worker/v1"
)

// notSent are the fields that stay in their process, and why.
var notSent = map[string]string{
	"Assignment.Stop":   "a message of its own",
	"Assignment.Shared": "elements on one host share it",
	"Failure.Err":       "made again of code and message",
	"Line.JSON":         "in the stored log",
}

var notNegativeFields = map[string]bool{"Record.Size": true, "LogChunk.Lines": true, "LogChunk.Size": true, "Report.Read": true, "Report.Written": true, "Report.PeakMemory": true}

// conversions of everything that is sent, there and back through bytes.
var conversions = []conversion{
	converts("assignment", assignmentTo, assignmentFrom),
	converts("job", func(j Job) (*workerv1.Job, error) { return jobTo(j), nil }, jobFrom),
	converts("beat", func(b worker.Beat) (*workerv1.BeatRequest, error) { return beatTo("run", b) }, beatFrom),
	converts("report", func(r worker.Report) (*workerv1.FinishRequest, error) { return reportTo("run", r) }, reportFrom),
}

type conversion struct {
	name   string
	value  func(*filler) any
	decode func(wire []byte) (any, error)
	again  func(t fatal, v any) any // encodes and decodes
}

type fatal interface{ Fatal(args ...any) }

func converts[A any, M any, P interface {
	*M
	proto.Message
}](name string, to func(A) (P, error), from func(P) (A, error)) conversion {
	decode := func(wire []byte) (any, error) {
		received := P(new(M))
		if err := (boundedCodec{}).Unmarshal(wire, received); err != nil {
			return nil, err
		}
		return from(received)
	}
	return conversion{name, fill[A], decode, func(t fatal, v any) any {
		sent, err := to(v.(A))
		if err != nil {
			t.Fatal(err)
		}
		wire, err := proto.Marshal(sent)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decode(wire)
		if err != nil {
			t.Fatal(err)
		}
		return back
	}}
}

func fill[T any](f *filler) any {
	var v T
	f.fill(reflect.ValueOf(&v).Elem(), 0)
	return v
}

// filler sets every field that is sent.
type filler struct {
	number func() int64
	text   func() string
	size   func(depth int) int // of a list
	isNil  func() bool
	seen   map[string]bool // fields of structs
}

func (f *filler) fill(v reflect.Value, depth int) {
	switch v.Interface().(type) {
	case artifact.Digest:
		v.SetString(fmt.Sprintf("sha256:%064x", uint64(f.number())))
		return
	case component.Code:
		v.SetUint(uint64(f.number())%uint64(component.Exhausted) + 1)
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(f.number()%50_000_000_000, f.number()&0xfffff)))
		return
	case map[string]any:
		v.Set(reflect.ValueOf(map[string]any{f.text(): f.text(), "n": json.Number(strconv.FormatInt(f.number(), 10)), "list": []any{true, nil, map[string]any{"a": "b"}}}))
		return
	case []byte:
		if !f.isNil() {
			v.SetBytes([]byte(f.text()))
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Name() + "." + v.Type().Field(i).Name
			if f.seen != nil {
				f.seen[name] = true
			}
			switch field := v.Field(i); {
			case notSent[name] != "":
			case notNegativeFields[name]:
				field.SetInt(f.number() & math.MaxInt64)
			default:
				f.fill(field, depth)
			}
		}
	case reflect.String:
		v.SetString(f.text())
	case reflect.Int, reflect.Int64:
		v.SetInt(f.number())
	case reflect.Float64:
		v.SetFloat(math.Float64frombits(uint64(f.number()) << 20))
	case reflect.Bool:
		v.SetBool(f.number()&1 == 1)
	case reflect.Pointer:
		if !f.isNil() {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem(), depth)
		}
	case reflect.Slice:
		if f.isNil() || depth > 2 {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), f.size(depth), 1<<10))
		for i := range v.Len() {
			f.fill(v.Index(i), depth+1)
		}
	default:
		panic(fmt.Sprintf("a field of type %v: say here how to fill it", v.Type()))
	}
}

// same compares what was sent with what arrived.
var same = []cmp.Option{
	cmpopts.EquateNaNs(),
	cmp.FilterPath(func(p cmp.Path) bool { return notSent[field(p)] != "" }, cmp.Ignore()),
	// Empty and nil are the same to who reads them, but for these two.
	cmp.FilterPath(func(p cmp.Path) bool { return field(p) != "Config.Limits" && field(p) != "Record.Inline" }, cmpopts.EquateEmpty()),
}

// field is the last field of a path: "Record.Inline".
func field(p cmp.Path) string {
	if f, ok := p.Last().(cmp.StructField); ok {
		return p.Index(-2).Type().Name() + "." + f.Name()
	}
	return ""
}

// A field that is added to what is sent, and not to the messages, does not arrive.
func TestEveryFieldArrives(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range conversions {
		t.Run(c.name, func(t *testing.T) {
			n := int64(0)
			f := &filler{
				number: func() int64 { n += 2; return n | 1 }, // odd: every bool is true
				text:   func() string { n++; return fmt.Sprintf("text %d", n) },
				size:   func(int) int { return 2 },
				isNil:  func() bool { return false },
				seen:   seen,
			}
			sent := c.value(f)
			if diff := cmp.Diff(sent, c.again(t, sent), same...); diff != "" {
				t.Errorf("what was sent (-) is not what arrived (+):\n%s", diff)
			}
		})
	}
	for name := range notSent {
		if !seen[name] {
			t.Errorf("there is no field %s", name)
		}
	}
}

func TestAnyValueArrives(t *testing.T) {
	t.Parallel()
	for _, c := range conversions {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				f := &filler{
					number: func() int64 { return rapid.Int64().Draw(t, "number") },
					text:   func() string { return rapid.String().Draw(t, "text") },
					size:   func(depth int) int { return rapid.IntRange(0, 3-depth).Draw(t, "size") },
					isNil:  func() bool { return rapid.Bool().Draw(t, "nil") },
				}
				sent := c.value(f)
				if diff := cmp.Diff(sent, c.again(t, sent), same...); diff != "" {
					t.Fatalf("what was sent (-) is not what arrived (+):\n%s", diff)
				}
			})
		})
	}
}

// What a step prints need not be UTF-8, and must not keep its report from arriving.
func TestTextThatIsNotUTF8(t *testing.T) {
	t.Parallel()
	const bad, good = "caf\xe9", "caf\uFFFD"
	for _, c := range conversions {
		f := &filler{
			number: func() int64 { return 1 },
			text:   func() string { return bad },
			size:   func(int) int { return 1 },
			isNil:  func() bool { return false },
		}
		back := c.again(t, c.value(f))
		if shown := fmt.Sprintf("%+v", back); !strings.Contains(shown, good) {
			t.Errorf("%s arrived as %s", c.name, shown)
		}
	}
}

func TestMetricsShareWhatTheyHaveInCommon(t *testing.T) {
	t.Parallel()
	f := &filler{number: func() int64 { return 1 }, text: func() string { return strings.Repeat("x", 1000) }, size: func(int) int { return 1 }, isNil: func() bool { return false }}
	m := fill[worker.Report](f).(worker.Report).Metrics[0]
	m.Name = "loss"
	report := worker.Report{}
	for range 10_000 {
		report.Metrics = append(report.Metrics, m)
	}
	req, err := reportTo("run", report)
	if err != nil {
		t.Fatal(err)
	}
	if size := proto.Size(req) / len(report.Metrics); size > 40 {
		t.Errorf("%d bytes for each metric", size)
	}
}

// The error of a failure is one again at the other end, with its code.
func TestFailureHasItsErrorAgain(t *testing.T) {
	t.Parallel()
	for code := component.Unknown; code <= component.Exhausted; code++ {
		sent := &worker.Failure{Message: "no room", Kind: worker.KindError, Err: component.Errorf(code, "no room")}
		got := failureFrom(failureTo(sent))
		if got.Code != code || component.CodeOf(got.Err) != code || got.Err.Error() != sent.Message {
			t.Errorf("code %v arrived as %v, with error %v of code %v", code, got.Code, got.Err, component.CodeOf(got.Err))
		}
	}
	if got := failureFrom(&workerv1.Failure{Message: "from a newer worker", Code: 1000}); got.Code != component.Unknown {
		t.Errorf("an unknown code is %v", got.Code)
	}
}
