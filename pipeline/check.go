package pipeline

import (
	"reflect"

	"github.com/tenon-ml/tenon/internal/ref"
)

// check reports the mistakes that the input of a step finds itself, if it is of a type that looks for any.
func (b *Builder) check(w wiring, in any, output reflect.Type) {
	c, ok := in.(ref.Checker)
	if !ok {
		return
	}
	for _, m := range c.TenonCheck(ref.Access{}, output) {
		b.report(w.name, m.Field, w.at, m.Err)
	}
}
