package artifact

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/tenon-ml/tenon/component"
	"github.com/tenon-ml/tenon/internal/codec"
)

// Dir is the path of a local directory, for data that is more than one file: a checkpoint, a static site, a folder of images.
//
// A step returns the path of a directory that it filled, relative to the working directory or absolute. When the step has returned
// everything within is stored; it must stay as it is until then. A step receives the path of a copy that lives as long as the attempt and
// may be changed.
//
// Names, contents, empty directories and whether a file is executable by its owner are kept; times, owners and other permissions
// are not, so that the same tree always has the same digest. (On Windows no file is executable.) A symbolic link to a file is stored as that
// file. Links to directories, pipes, sockets and devices are errors that name them, as are names that are not UTF-8.
//
// The stored form is a tar archive: a header for every directory and file but the top, a directory before what is in it, the names of one
// directory in the order of their bytes; all else in the headers is constant.
//
// The zero Dir names nothing, and storing it is an error. A type defined from Dir is not a Dir but a string.
type Dir string

// TenonCodec is for this module alone.
func (Dir) TenonCodec() (codec.Codec, error) {
	return codec.Codec{Name: "dir", Version: 1, Type: reflect.TypeFor[Dir](), Encode: encodeDir, Decode: decodeDir}, nil
}

func encodeDir(ctx context.Context, w io.Writer, v any) (codec.Info, error) {
	dir, err := valueAs[Dir](v)
	if err != nil {
		return codec.Info{}, err
	}
	if err := checkDir(string(dir)); err != nil {
		return codec.Info{}, err
	}
	out := bufio.NewWriterSize(w, 64<<10)
	p := &packer{ctx: ctx, path: string(dir), tree: os.DirFS(string(dir)), tar: tar.NewWriter(out), buf: make([]byte, copyBuffer)}
	if err := fs.WalkDir(p.tree, ".", p.add); err != nil {
		return codec.Info{}, err
	}
	if err := p.tar.Close(); err != nil {
		return codec.Info{}, err
	}
	if err := out.Flush(); err != nil {
		return codec.Info{}, err
	}
	return codec.Info{Meta: map[string]any{"files": p.files, "bytes": p.bytes}, Preview: p.preview()}, nil
}

func checkDir(path string) error {
	if path == "" {
		return component.Errorf(component.Invalid, "directory without a path: return the path of a directory, as artifact.Dir(path)")
	}
	what := fmt.Sprintf("directory %q", path)
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return pathFailed(what, err)
	case info.Mode().IsRegular():
		return component.Errorf(component.Invalid, "%s: it is a file: use artifact.File", what)
	case !info.IsDir():
		return component.Errorf(component.Invalid, "%s: it is %s and not a directory", what, kindOf(info.Mode()))
	}
	return nil
}

// packer writes a tree of files as a tar archive.
type packer struct {
	ctx  context.Context //nolint:containedctx // lives for one call
	path string          // of the tree, for errors
	tree fs.FS
	tar  *tar.Writer
	buf  []byte

	files, bytes int64
	listing      []string // the first files
}

// listed is how many files the preview shows.
const listed = 20

// add is called by fs.WalkDir, in the order of names.
func (p *packer) add(name string, entry fs.DirEntry, err error) error {
	what := fmt.Sprintf("directory %q: %q", p.path, name)
	switch {
	case err != nil:
		return pathFailed(what, err)
	case p.ctx.Err() != nil:
		return failed(what, p.ctx.Err())
	case name == ".":
		return nil
	case !utf8.ValidString(name):
		return component.Errorf(component.Invalid, "%s: the name is not UTF-8 and would not survive on other systems: rename it", what)
	case entry.IsDir():
		return p.header(what, &tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755})
	case entry.Type().IsRegular():
		return p.addFile(name, what)
	case entry.Type()&fs.ModeSymlink == 0:
		return component.Errorf(component.Invalid, "%s is %s: only files and directories can be stored", what, kindOf(entry.Type()))
	}
	to, err := fs.Stat(p.tree, name)
	if err != nil {
		return pathFailed(what+" is a symbolic link", err)
	}
	if !to.Mode().IsRegular() {
		return component.Errorf(component.Invalid, "%s is a symbolic link to %s: only links to files can be stored", what, kindOf(to.Mode()))
	}
	return p.addFile(name, what)
}

func (p *packer) addFile(name, what string) error {
	f, err := p.tree.Open(name)
	if err != nil {
		return pathFailed(what, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return pathFailed(what, err)
	}
	if err := regular(info, what); err != nil { // replaced since it was listed
		return err
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: info.Size(), Mode: 0o644}
	if info.Mode()&0o100 != 0 {
		h.Mode = 0o755
	}
	if err := p.header(what, h); err != nil {
		return err
	}
	err = (&stream{ctx: p.ctx, r: f, what: what}).copyTo(p.tar, p.buf)
	if errors.Is(err, tar.ErrWriteTooLong) {
		return changed(what)
	}
	if err == nil {
		err = unchanged(f, info, what)
	}
	if err != nil {
		return err
	}
	if p.files++; p.files <= listed {
		p.listing = append(p.listing, fmt.Sprintf("%12d  %s", h.Size, name))
	}
	p.bytes += h.Size
	return nil
}

func (p *packer) header(what string, h *tar.Header) error {
	if err := p.tar.WriteHeader(h); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func (p *packer) preview() string {
	lines := append([]string{fmt.Sprintf("%d files, %d bytes", p.files, p.bytes)}, p.listing...)
	if more := p.files - listed; more > 0 {
		lines = append(lines, fmt.Sprintf("… %d more", more))
	}
	return codec.Printable(strings.Join(lines, "\n"))
}
