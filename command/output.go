package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"unicode/utf8"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
	"github.com/tenon-ml/tenon/internal/ref"
)

// maxValue bounds an output that is read into memory, in bytes of its file.
const maxValue = 256 << 20

// collect reads the outputs.
func (j *job) collect(ctx context.Context, out reflect.Value) error {
	for _, o := range j.outputs {
		value, err := j.output(ctx, o)
		if err != nil {
			return fmt.Errorf("%s: output %s (%s): %w", j.name, o.name, o.file, err)
		}
		v := out
		if o.index >= 0 {
			v = out.Field(o.index)
		}
		*v.Addr().Interface().(ref.Holder).TenonRef(ref.Access{}).Handle = &ref.Handle{Set: true, Value: value}
	}
	return nil
}

func (j *job) output(ctx context.Context, o output) (any, error) {
	path := j.outPath(o)
	if err := j.inside(path); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case o.form == formDir && info.IsDir():
		return artifact.Dir(path), j.treeInside(path)
	case o.form == formDir:
		return nil, component.Errorf(component.Invalid, "it is no directory")
	case !info.Mode().IsRegular():
		return nil, component.Errorf(component.Invalid, "it is no regular file")
	case o.form == formFile:
		return artifact.File(path), nil
	case o.form == formBlob:
		return artifact.NewBlob(func(context.Context) (io.ReadCloser, error) { return os.Open(path) }), nil
	}
	value, err := j.decode(ctx, o, path, info.Size())
	if err != nil && component.CodeOf(err) != component.Exhausted && ctx.Err() == nil {
		return nil, component.Errorf(component.Invalid, "it is malformed: %w", err)
	}
	return value, err
}

// inside reports an output that is missing, or a link to somewhere else: what is there is nothing that the program wrote.
func (j *job) inside(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return component.Errorf(component.FailedPrecondition, "the program ended well and did not write it")
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return component.Errorf(component.Invalid, "it is a link that leads nowhere: %w", err)
	}
	if rel, err := filepath.Rel(j.dir, target); err != nil || !filepath.IsLocal(rel) {
		return component.Errorf(component.Invalid, "it is a link to %s, outside of the directory of the step: write a copy", target)
	}
	return nil
}

func (j *job) treeInside(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink == 0 {
			return err
		}
		if err := j.inside(path); err != nil {
			rel, _ := filepath.Rel(dir, path) // both begin alike
			return fmt.Errorf("%s: %w", rel, err)
		}
		return nil
	})
}

// decode reads the value of an output from its file.
func (j *job) decode(ctx context.Context, o output, path string, size int64) (any, error) {
	switch o.form {
	case formParquet, formPNG:
		return j.decodeWith(ctx, o, path)
	case formCSV:
		rows, err := j.fromCSV(o, path)
		if err != nil {
			return nil, err
		}
		return j.decodeWith(ctx, o, rows)
	}
	if size > maxValue {
		return nil, component.Errorf(component.Exhausted, "%d bytes are more than the %d MiB of a value: make it an artifact.File", size, maxValue>>20)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	v := reflect.New(o.typ).Elem()
	switch o.form {
	case formBytes:
		v.SetBytes(data)
	case formText:
		if !utf8.Valid(data) {
			return nil, errors.New("it is not UTF-8: make it a []byte or an artifact.File")
		}
		v.SetString(string(data))
	default:
		return decodeJSON(data, o.typ)
	}
	return v.Interface(), nil
}

// decodeWith reads a file as the codec of the output does.
func (j *job) decodeWith(ctx context.Context, o output, path string) (any, error) {
	c, err := codec.For(o.typ, nil)
	if err != nil {
		return nil, err
	}
	content, err := j.content(path)
	if err != nil {
		return nil, err
	}
	return c.Decode(ctx, content)
}

// fromCSV turns rows into Parquet, whose codec knows how to make values of every kind of rows.
func (j *job) fromCSV(o output, path string) (string, error) {
	c, err := codec.For(o.typ, nil)
	if err != nil {
		return "", err
	}
	r, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer r.Close()
	to := j.path("rows-" + o.name + ".parquet")
	return to, create(to, 0o600, func(w io.Writer) error { return csvToParquet(w, r, c.Rows) })
}

// content makes a file what codecs read.
func (j *job) content(path string) (codec.Content, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	return fileContent{path, info.Size(), j.dir}, nil
}

type fileContent struct {
	path string
	size int64
	dir  string
}

func (f fileContent) Open(context.Context) (io.ReadCloser, error) { return os.Open(f.path) }
func (f fileContent) Size() int64                                 { return f.size }
func (f fileContent) Version() int                                { return 1 }
func (f fileContent) Meta() map[string]any                        { return nil }
func (f fileContent) TempDir() (string, error)                    { return os.MkdirTemp(f.dir, "value-*") }
