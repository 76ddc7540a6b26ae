package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// choice is a flag with a fixed set of values.
type choice struct {
	value   *string
	allowed []string
}

func (c *choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

func (c *choice) Type() string      { return "string" }
func (c *choice) choices() []string { return c.allowed }

func (c *choice) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		return fmt.Errorf("%.40q is none of %s", s, strings.Join(c.allowed, ", "))
	}
	*c.value = s
	return nil
}

// choices is a repeatable flag, or a comma-separated one, with a fixed set of values.
type choices[T ~string] struct {
	values  *[]T
	allowed []T
}

func (c *choices[T]) String() string { return "" }
func (c *choices[T]) Type() string   { return "string" }

func (c *choices[T]) choices() []string {
	names := make([]string, len(c.allowed))
	for i, a := range c.allowed {
		names[i] = string(a)
	}
	return names
}

func (c *choices[T]) Set(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		v := T(strings.TrimSpace(part))
		if !slices.Contains(c.allowed, v) {
			return fmt.Errorf("%.40q is none of %s", part, strings.Join(c.choices(), ", "))
		}
		*c.values = append(*c.values, v)
	}
	return nil
}

// whole is a flag with a whole number in a range.
type whole struct {
	value       *int
	least, most int
}

func (w *whole) String() string {
	if w.value == nil || *w.value == 0 {
		return ""
	}
	return strconv.Itoa(*w.value)
}

func (w *whole) Type() string { return "int" }

func (w *whole) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < w.least || n > w.most {
		return fmt.Errorf("%.40q is not a whole number from %d to %d", s, w.least, w.most)
	}
	*w.value = n
	return nil
}

// filled is a flag whose value is not empty.
type filled struct {
	value *string
	most  int // bytes
}

func (f *filled) String() string {
	if f.value == nil {
		return ""
	}
	return *f.value
}

func (f *filled) Type() string { return "string" }

func (f *filled) Set(s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return errors.New("the value is empty")
	case len(s) > f.most:
		return fmt.Errorf("%d bytes are too long: use at most %d", len(s), f.most)
	case strings.ContainsFunc(s, isControl):
		return fmt.Errorf("%.40q holds a control character", s)
	}
	*f.value = s
	return nil
}

// list is a repeatable flag whose values are not empty.
type list struct {
	values *[]string
	most   int // bytes of one
}

func (l *list) String() string { return "" }
func (l *list) Type() string   { return "string" }

func (l *list) Set(s string) error {
	var value string
	if err := (&filled{&value, l.most}).Set(s); err != nil {
		return err
	}
	*l.values = append(*l.values, value)
	return nil
}

// pairs is a repeatable flag of key=value.
type pairs struct {
	values *map[string]string
	like   string // an example
}

func (p *pairs) String() string { return "" }
func (p *pairs) Type() string   { return "key=value" }

func (p *pairs) Set(s string) error {
	key, value, ok := strings.Cut(s, "=")
	switch {
	case !ok || key == "":
		return fmt.Errorf("%.40q is not of the form key=value, such as %s", s, p.like)
	case len(key) > 100:
		return fmt.Errorf("the key %.40q... has %d bytes: use at most 100", key, len(key))
	case len(value) > 1000:
		return fmt.Errorf("the value of %q has %d bytes: use at most 1000", key, len(value))
	case strings.ContainsFunc(s, isControl):
		return fmt.Errorf("%.40q holds a control character", s)
	}
	if *p.values == nil {
		*p.values = map[string]string{}
	}
	(*p.values)[key] = value
	return nil
}

// settings is the repeatable flag --set name=value, kept in order.
type settings struct{ values *[]setting }

type setting struct{ name, value string }

func (s *settings) String() string { return "" }
func (s *settings) Type() string   { return "name=value" }

func (s *settings) Set(text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" {
		return fmt.Errorf("%.40q is not of the form name=value, such as lr=0.1", text)
	}
	*s.values = append(*s.values, setting{name, value})
	return nil
}
