package declgraph

import (
	"encoding/binary"
	goscanner "go/scanner"
	"go/token"
)

// lexeme is one token of a file, without comments.
type lexeme struct {
	pos token.Pos
	tok token.Token
	lit string
}

// tokenise returns the tokens of a file that the parser accepted.
func tokenise(file *token.File, src []byte) []lexeme {
	own := token.NewFileSet().AddFile("", file.Base(), len(src)) // the scanner adds lines to the file that it is given
	var s goscanner.Scanner
	s.Init(own, src, nil, 0)
	all := make([]lexeme, 0, len(src)/4)
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return all
		}
		all = append(all, lexeme{pos, tok, lit})
	}
}

// redundant reports whether a token means nothing before the next: gofmt adds and removes such commas and semicolons.
func (t lexeme) redundant(next lexeme) bool {
	if t.tok != token.COMMA && t.tok != token.SEMICOLON {
		return false
	}
	return next.tok == token.RPAREN || next.tok == token.RBRACE || next.tok == token.RBRACK
}

// append adds the token to what a digest is made of, so that no two lists of tokens give the same bytes.
func (t lexeme) append(buf []byte) []byte {
	buf = append(buf, byte(t.tok))
	if t.tok == token.SEMICOLON || !t.tok.IsLiteral() { // whether a semicolon was written does not matter
		return buf
	}
	buf = binary.AppendUvarint(buf, uint64(len(t.lit)))
	return append(buf, t.lit...)
}
