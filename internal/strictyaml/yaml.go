package strictyaml

import (
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// What the decoder knows of the YAML library's syntax tree.

func isMapping(n ast.Node) bool {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return true
	}
	return false
}

func pairs(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

// keyText returns the text of a scalar key.
func keyText(key ast.Node) (string, bool) {
	if explicit, ok := key.(*ast.MappingKeyNode); ok {
		key = explicit.Value
	}
	s, ok := scalarOf(key)
	return s.text, ok
}

// refused says why a node is not accepted anywhere, or returns "".
func refused(n ast.Node) string {
	switch n := n.(type) {
	case *ast.AnchorNode, *ast.AliasNode:
		return "anchors and aliases are not read: write the value out (or quote a text that begins with & or *)"
	case *ast.MergeKeyNode:
		return "merge keys are not read: write the keys out"
	case *ast.TagNode:
		return "tags are not read: leave it out (or quote a text that begins with !)"
	case *ast.MappingKeyNode:
		return refused(n.Value)
	}
	return ""
}

// got names what a node is, for an error.
func got(n ast.Node) string {
	if isMapping(n) {
		return "keys and values"
	}
	if _, ok := n.(*ast.SequenceNode); ok {
		return "a list"
	}
	if s, ok := scalarOf(n); ok {
		return s.show()
	}
	return "something else"
}

// scalarOf returns the text of a scalar as it was written, and the kind that YAML gives it.
func scalarOf(n ast.Node) (scalar, bool) {
	switch n := n.(type) {
	case *ast.NullNode:
		return scalar{"null", kindNull}, true
	case *ast.BoolNode:
		return scalar{n.GetToken().Value, kindBool}, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return scalar{n.GetToken().Value, kindNumber}, true
	case *ast.StringNode:
		if t := n.GetToken().Type; t == token.SingleQuoteType || t == token.DoubleQuoteType {
			return scalar{n.Value, kindString}, true
		}
		return scalar{n.Value, plainKind(n.Value)}, true
	case *ast.LiteralNode:
		return scalar{n.Value.Value, kindString}, true
	}
	return scalar{}, false
}

// firstToken returns the token at which a node begins.
func firstToken(n ast.Node) *token.Token {
	switch n := n.(type) {
	case *ast.DocumentNode:
		if n.Start != nil {
			return n.Start
		}
		return firstToken(n.Body)
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return firstToken(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return firstToken(n.Key)
	}
	return n.GetToken()
}

func problem(source string, tk *token.Token, path, text string) Problem {
	p := Problem{Source: source, Key: path, Text: text}
	if tk != nil && tk.Position != nil {
		p.Line, p.Column = tk.Position.Line, tk.Position.Column
	}
	return p
}
