package command

import (
	"reflect"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
)

// form is how a program reads or writes a value.
type form string

const (
	formFile    form = "file"    // an artifact.File, as it is
	formBlob    form = "blob"    // an artifact.Blob, as it is
	formDir     form = "dir"     // an artifact.Dir, as it is
	formBytes   form = "bytes"   // a []byte, as it is
	formText    form = "text"    // a string, as it is
	formPNG     form = "png"     // an image
	formParquet form = "parquet" // rows
	formCSV     form = "csv"     // rows
	formJSON    form = "json"    // anything else
	formValue   form = "value"   // of an input: the value itself, not the path of a file
)

// asIs reports whether the bytes are what the program makes of them, under any name.
func (f form) asIs() bool {
	return f == formFile || f == formBlob || f == formDir || f == formBytes || f == formText
}

func (f form) extension() string {
	switch f {
	case formFile, formBlob, formDir:
		return ""
	case formBytes:
		return ".bin"
	case formText:
		return ".txt"
	}
	return "." + string(f)
}

// formsOf returns the forms of values of a type, the default first.
func formsOf(t reflect.Type) ([]form, error) {
	if c, err := codec.For(t, nil); err == nil {
		switch c.Name {
		case "file":
			return []form{formFile}, nil
		case "blob":
			return []form{formBlob}, nil
		case "dir":
			return []form{formDir}, nil
		case "bytes":
			return []form{formBytes}, nil
		case "text":
			return []form{formText, formValue}, nil
		case "png":
			return []form{formPNG}, nil
		case "parquet":
			forms := []form{formParquet, formCSV}
			if t.Kind() == reflect.Slice && checkJSON(t) == nil {
				forms = append(forms, formJSON)
			}
			return forms, nil
		}
	}
	if err := checkJSON(t); err != nil {
		return nil, component.Errorf(component.Invalid, "a program cannot be given it as a file: %w", err)
	}
	return []form{formJSON, formValue}, nil
}
