package artifact

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
)

// File is the path of a local file, for data that a step reads and writes with tools of its own: a model in the format of a library, a
// report, a database.
//
// A step returns the path of a regular file that it wrote, relative to the working directory or absolute; a symbolic link is
// followed. When the step has returned the bytes are stored as they are, so that the artifact has the file's own digest. The file
// must stay as it is until then. A step receives the path of a copy that lives as long as the attempt and may be changed.
//
// The copy has the base name of the original, where that is a name on every system; otherwise what could do harm is replaced. The name
// is not part of the digest. Permissions are not kept: use [Dir] for programs.
//
// The zero File names nothing, and storing it is an error. A type defined from File is not a File but a string.
type File string

// TenonCodec is for this module alone.
func (File) TenonCodec() (codec.Codec, error) {
	return codec.Codec{Name: "file", Version: 1, Type: reflect.TypeFor[File](), Encode: encodeFile, Decode: decodeFile}, nil
}

const (
	metaName = "name"
	// copyBuffer makes system calls rare.
	copyBuffer = 256 << 10
)

func encodeFile(ctx context.Context, w io.Writer, v any) (codec.Info, error) {
	file, err := valueAs[File](v)
	if err != nil {
		return codec.Info{}, err
	}
	if file == "" {
		return codec.Info{}, component.Errorf(component.Invalid, "file without a path: return the path of a file, as artifact.File(path)")
	}
	what := fmt.Sprintf("file %q", string(file))
	if info, err := os.Stat(string(file)); err == nil && info.IsDir() {
		return codec.Info{}, component.Errorf(component.Invalid, "%s: it is a directory: use artifact.Dir", what)
	}
	f, before, err := openRegular(string(file), what)
	if err != nil {
		return codec.Info{}, err
	}
	defer f.Close()
	s := &stream{ctx: ctx, r: f, what: what}
	// One byte more than it should have, so that a small file that did not grow takes one read.
	if err := s.copyTo(w, make([]byte, min(before.Size()+1, copyBuffer))); err != nil {
		return codec.Info{}, err
	}
	if err := unchanged(f, before, what); err != nil {
		return codec.Info{}, err
	}
	return codec.Info{Meta: map[string]any{metaName: safeName(filepath.Base(string(file)))}, Preview: s.preview()}, nil
}

// openRegular opens a regular file. It does not open what may block or has no end.
func openRegular(path, what string) (*os.File, fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, pathFailed(what, err)
	}
	if err := regular(info, what); err != nil {
		return nil, nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, pathFailed(what, err)
	}
	if info, err = f.Stat(); err != nil {
		_ = f.Close()
		return nil, nil, pathFailed(what, err)
	}
	return f, info, nil
}

func regular(info fs.FileInfo, what string) error {
	if info.Mode().IsRegular() {
		return nil
	}
	return component.Errorf(component.Invalid, "%s: it is %s and not a regular file", what, kindOf(info.Mode()))
}

// kindOf names what is no regular file.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}

// unchanged reports that a file was written to while it was read: what was stored may never have been its content.
func unchanged(f fs.File, before fs.FileInfo, what string) error {
	after, err := f.Stat()
	if err != nil {
		return pathFailed(what, err)
	}
	if after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return changed(what)
	}
	return nil
}

func changed(what string) error {
	return component.Errorf(component.FailedPrecondition, "%s: it changed while it was stored: return it when nothing writes to it any more", what)
}

func decodeFile(ctx context.Context, c codec.Content) (any, error) {
	name, _ := c.Meta()[metaName].(string)
	path, _, err := codec.SpoolFile(ctx, c, safeName(name))
	if err != nil {
		return nil, err
	}
	return File(path), nil
}
