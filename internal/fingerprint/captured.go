package fingerprint

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
)

// captured says why f may hold state that is in no source. A function value is a pointer to its code and what it captured: that of a
// function without captured state is a constant of the program's image, every other was made while the program ran.
func captured(f Func, place place) string {
	switch {
	case strings.HasSuffix(f.Name, "-fm"):
		return "it is a method value, whose receiver is in no source"
	case f.Name == "reflect.makeFuncStub":
		return "it was made by reflection"
	case place == constant:
		return ""
	case f.literal() && place == made:
		return fmt.Sprintf("the function literal at %s:%d captures variables", filepath.Base(f.File), f.Line)
	case f.literal():
		return fmt.Sprintf("the function literal at %s:%d may capture variables", filepath.Base(f.File), f.Line)
	case place == made:
		return "it was made while the program ran, and may hold state that is in no source"
	}
	return ""
}

// place says where a function value lies.
type place uint8

const (
	unknown  place = iota // this system does not tell
	constant              // in the program's image
	made                  // elsewhere: made at run time
)

// image is where the program's file is loaded.
type image struct{ spans []span }

type span struct{ start, end uintptr }

func (i *image) contains(p uintptr) bool {
	for _, s := range i.spans {
		if s.start <= p && p < s.end {
			return true
		}
	}
	return false
}

func (i *image) holds(fn any) place {
	if len(i.spans) == 0 {
		return unknown
	}
	v := reflect.New(reflect.TypeOf(fn))
	v.Elem().Set(reflect.ValueOf(fn)) // v points to a variable of one word, the function value
	if i.contains(*(*uintptr)(v.UnsafePointer())) {
		return constant
	}
	return made
}

// codeOf returns the address of a function's code.
func codeOf(fn any) uintptr { return uintptr(reflect.ValueOf(fn).UnsafePointer()) }
