// Package cachekey makes the key under which the result of a step is found again: a digest over everything that the result depends
// on.
//
// The key is made of named fields in a fixed order, each length-prefixed, so that no two different lists of fields give the same
// bytes. The fields are kept beside the digest, so that two keys can be compared field by field.
package cachekey

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// schema is part of every key. It changes when the meaning of a field changes, which makes every older key a miss.
const schema = "tenon cache key 1"

// Field is one thing that a result depends on.
type Field struct {
	Name  string // "fingerprint", "input Rows", "build go"
	Value string
}

// Fields of one key, in a fixed order.
type Fields []Field

// Add appends a field.
func (f *Fields) Add(name, value string) { *f = append(*f, Field{name, value}) }

// Key returns the digest of the fields, "sha256:" and hexadecimal digits.
func (f Fields) Key() string {
	size := len(schema) + 16
	for _, field := range f {
		size += len(field.Name) + len(field.Value) + 16
	}
	b := text(make([]byte, 0, size), schema)
	b = binary.BigEndian.AppendUint64(b, uint64(len(f)))
	for _, field := range f {
		b = text(text(b, field.Name), field.Value)
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func text(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(len(s))), s...)
}
