package declgraph

import (
	"path"
	"strings"
)

// Pipelines is the import path of the package whose functions wire steps.
const Pipelines = "github.com/tenon-ml/tenon/pipeline"

const sdk = "github.com/tenon-ml/tenon/"

// codecs are what types of codecs are made of, which steps use without mentioning them.
const codecs = sdk + "artifact"

// harmless are the predeclared functions and types that change nothing that they are given.
const harmless words = " len cap make min max real imag complex print println " +
	"bool string int int8 int16 int32 int64 uint uint8 uint16 uint32 uint64 uintptr byte rune float32 float64 complex64 complex128 "

// basic are the predeclared types whose values refer to nothing.
const basic words = " bool string int int8 int16 int32 int64 uint uint8 uint16 uint32 uint64 uintptr byte rune float32 float64 complex64 complex128 "

// predeclared are the predeclared names on whose meaning a summary relies.
const predeclared words = " true false append clear delete len cap make min max real imag complex print println " +
	"bool string int int8 int16 int32 int64 uint uint8 uint16 uint32 uint64 uintptr byte rune float32 float64 complex64 complex128 "

// pure are packages of the standard library whose functions change nothing but what they are given, and remember nothing.
const pure words = " bufio bytes cmp container/heap container/list container/ring context crypto/md5 crypto/sha1 crypto/sha256 crypto/sha512 embed " +
	"encoding encoding/base32 encoding/base64 encoding/binary encoding/csv encoding/hex encoding/json errors fmt hash hash/crc32 hash/crc64 hash/fnv " +
	"hash/maphash html html/template image/color io io/fs iter maps math math/big math/bits math/cmplx path path/filepath reflect regexp " +
	"regexp/syntax slices sort strconv strings sync sync/atomic text/template time unicode unicode/utf16 unicode/utf8 unique "

// quiet reports whether linking a package changes nothing for code that does not use it. Others may register what they bring.
func quiet(p string) bool {
	return pure.has(p) && !strings.HasPrefix(p, "crypto/") || alsoQuiet.has(p) || strings.HasPrefix(p+"/", sdk)
}

const alsoQuiet words = " flag image log log/slog math/rand math/rand/v2 net/url os os/exec runtime "

// firm are functions whose results never change.
const firm words = " errors.New regexp.MustCompile strings.NewReplacer fmt.Sprintf fmt.Sprint strings.Repeat strings.Join strings.ToLower " +
	"strings.ToUpper strings.TrimSpace reflect.TypeFor math.Inf math.NaN math.Sqrt math.Log math.Exp math.Pow "

// onlyRead are functions that do not change their arguments, nor return a part of them other than an element.
const onlyRead words = " slices.Index slices.IndexFunc slices.Contains slices.ContainsFunc slices.Equal slices.Compare slices.BinarySearch slices.Max slices.Min " +
	"slices.IsSorted slices.Clone slices.Concat slices.Sorted slices.Values slices.All maps.Keys maps.Values maps.All maps.Clone maps.Equal " +
	"strings.Join strings.Contains strings.HasPrefix fmt.Sprint fmt.Sprintf fmt.Sprintln fmt.Errorf errors.Is "

// variables are those of the standard library that programs set. The others are treated as constants unless they are assigned.
const variables words = " crypto/rand.Reader encoding/xml.HTMLAutoClose encoding/xml.HTMLEntity flag.CommandLine flag.Usage go/build.Default " +
	"net.DefaultResolver net/http.DefaultClient net/http.DefaultServeMux net/http.DefaultTransport net/rpc.DefaultServer os.Args os.Stdin " +
	"runtime.MemProfileRate time.Local "

// words is a set, each word between spaces: a constant costs nothing when the program starts.
type words string

func (w words) has(word string) bool { return strings.Contains(string(w), " "+word+" ") }

// standard reports whether an import path is of the standard library.
func standard(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return !strings.Contains(first, ".")
}

// localName is the name by which a file knows an import, as far as its path tells.
func (i Import) localName() string {
	if i.Name != "" {
		return i.Name
	}
	name := path.Base(i.Path)
	if len(name) > 1 && name[0] == 'v' && strings.Trim(name[1:], "0123456789") == "" {
		name = path.Base(path.Dir(i.Path))
	}
	return name
}
