package strictyaml

import (
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of a document. Reading a long map costs the square of its length, so that the size also bounds the time.
const (
	MaxSize  = 256 << 10 // bytes
	MaxDepth = 100       // of nested lists and maps
)

// Node is a part of a document that is decoded later. A struct field of type Node takes whatever stands there. The zero Node
// stands for nothing: it decodes into anything and changes nothing. A Node is immutable and safe for concurrent use.
type Node struct {
	source string
	path   string
	node   ast.Node
}

// Parse reads a document and checks all that can be checked without a type. Source names the document in errors. The error is an [*Error]. A
// document without content is the zero Node.
func Parse(data []byte, source string) (Node, error) {
	fail := func(tk *token.Token, format string, args ...any) (Node, error) {
		return Node{}, &Error{[]Problem{problem(source, tk, "", fmt.Sprintf(format, args...))}}
	}
	if len(data) > MaxSize {
		return fail(nil, "%d bytes are more than the %d that are read", len(data), MaxSize)
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	if !utf8.ValidString(text) {
		return fail(nil, "not a text: the bytes are not UTF-8")
	}
	file, err := parse(text)
	if err != nil {
		var syntax interface {
			GetToken() *token.Token
			GetMessage() string
		}
		if errors.As(err, &syntax) {
			return fail(syntax.GetToken(), "not YAML: %s", oneLine(syntax.GetMessage()))
		}
		return fail(nil, "not YAML: %s", oneLine(err.Error()))
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if _, directive := doc.Body.(*ast.DirectiveNode); directive || doc.Body == nil {
			continue
		}
		if body != nil {
			return fail(firstToken(doc), "a second document begins here: one is read")
		}
		body = doc.Body
	}
	if _, comment := body.(*ast.CommentGroupNode); comment {
		body = nil
	}
	return Node{source: source, node: body}, nil
}

// parse calls the YAML parser, of which neither the stack nor the process may depend.
func parse(text string) (_ *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the parser gives up: %v", p)
		}
	}()
	tokens := lexer.Tokenize(text)
	if deep := tooDeep(tokens); deep != nil {
		return nil, &tokenError{deep, fmt.Sprintf("more than %d levels deep", MaxDepth)}
	}
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// tooDeep returns the token at which lists and maps nest too deeply for a recursive parser, or nil. Within brackets every opening
// counts. In block style a level costs a column, or a "-" or "?" on the same line.
func tooDeep(tokens token.Tokens) *token.Token {
	flow, line, onLine := 0, 0, 0
	for _, tk := range tokens {
		if tk.Position.Line != line {
			line, onLine = tk.Position.Line, 0
		}
		switch tk.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			onLine++
		}
		indent := 0
		if flow == 0 && onLine > 0 || tk.Type == token.SequenceEntryType {
			indent = tk.Position.Column / 2
		}
		if max(flow, onLine, indent) > MaxDepth {
			return tk
		}
	}
	return nil
}

// tokenError is a syntax error in the shape of the parser's own.
type tokenError struct {
	token *token.Token
	text  string
}

func (e *tokenError) Error() string          { return e.text }
func (e *tokenError) GetToken() *token.Token { return e.token }
func (e *tokenError) GetMessage() string     { return e.text }

// IsZero reports whether n stands for nothing: the key is not there.
func (n Node) IsZero() bool { return n.node == nil }

// Decode decodes n into the value that into points to. The error is an [*Error], and then nothing was changed.
func (n Node) Decode(into any) error { return n.decode(into, false) }

// DecodeRest decodes n as [Node.Decode] does, but an error leaves what is right in the value, so that a caller can look for further
// problems in it.
func (n Node) DecodeRest(into any) error { return n.decode(into, true) }

func (n Node) decode(into any, partly bool) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return &Error{[]Problem{n.problem(fmt.Sprintf("cannot decode into a %T: want a pointer", into))}}
	}
	if n.IsZero() {
		return nil
	}
	// Decoding works on a copy, so that an error leaves the value as it was.
	work := reflect.New(v.Type().Elem()).Elem()
	work.Set(v.Elem())
	d := &decoder{source: n.source}
	d.value(n.node, work, n.path)
	if len(d.problems) == 0 || partly {
		v.Elem().Set(work)
	}
	if len(d.problems) > 0 {
		return &Error{d.problems}
	}
	return nil
}

// Errorf returns an [*Error] at n's place.
func (n Node) Errorf(format string, args ...any) error {
	return &Error{[]Problem{n.problem(fmt.Sprintf(format, args...))}}
}

func (n Node) problem(text string) Problem {
	var tk *token.Token
	if n.node != nil {
		tk = firstToken(n.node)
	}
	return problem(n.source, tk, n.path, text)
}

// At returns the node at a path such as "retry.attempts", and whether it exists.
func (n Node) At(path string) (Node, bool) {
	for key := range strings.SplitSeq(path, ".") {
		child, ok := n.child(key)
		if !ok {
			return Node{}, false
		}
		n = child
	}
	return n, true
}

func (n Node) child(key string) (Node, bool) {
	for k, v := range n.children() {
		if normal(k) == normal(key) {
			return v, true
		}
	}
	return Node{}, false
}

// children yields the values of a map and the elements of a list.
func (n Node) children() iter.Seq2[string, Node] {
	return func(yield func(string, Node) bool) {
		if seq, ok := n.node.(*ast.SequenceNode); ok {
			for i, v := range seq.Values {
				key := fmt.Sprintf("[%d]", i)
				if !yield(key, Node{n.source, n.path + key, v}) {
					return
				}
			}
		}
		for _, pair := range pairs(n.node) {
			key, ok := keyText(pair.Key)
			if ok && !yield(key, Node{n.source, join(n.path, key), pair.Value}) {
				return
			}
		}
	}
}

// Strings yields every string in n, keys excepted, with the node that holds it.
func (n Node) Strings() iter.Seq2[Node, string] {
	return func(yield func(Node, string) bool) { n.strings(yield) }
}

func (n Node) strings(yield func(Node, string) bool) bool {
	if s, ok := scalarOf(n.node); ok && (s.kind == kindString || s.kind == kindPlain) {
		return yield(n, s.text)
	}
	for _, child := range n.children() {
		if !child.strings(yield) {
			return false
		}
	}
	return true
}
