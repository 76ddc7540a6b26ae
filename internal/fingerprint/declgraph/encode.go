package declgraph

import (
	"encoding/binary"
	"slices"
)

// Encode returns a compact form of the summary.
func (f *File) Encode() []byte {
	e := encoder{index: map[string]uint64{}}
	e.text(f.Package)
	e.flag(f.Unclear)
	e.text(f.Context)
	e.number(len(f.Imports))
	for _, i := range f.Imports {
		e.text(i.Name)
		e.text(i.Path)
	}
	e.flag(f.Indirect)
	e.number(len(f.Decls))
	for i := range f.Decls {
		e.decl(&f.Decls[i])
	}
	head := binary.AppendUvarint(nil, Version)
	head = binary.AppendUvarint(head, uint64(len(e.table)))
	for _, s := range e.table {
		head = binary.AppendUvarint(head, uint64(len(s)))
		head = append(head, s...)
	}
	return append(head, e.buf...)
}

type encoder struct {
	buf   []byte
	index map[string]uint64
	table []string
}

func (e *encoder) number(n int) { e.buf = binary.AppendUvarint(e.buf, uint64(n)) }

func (e *encoder) flag(b bool) {
	n := 0
	if b {
		n = 1
	}
	e.number(n)
}

func (e *encoder) text(s string) {
	i, ok := e.index[s]
	if !ok {
		i = uint64(len(e.table))
		e.index[s], e.table = i, append(e.table, s)
	}
	e.buf = binary.AppendUvarint(e.buf, i)
}

func (e *encoder) texts(all []string) {
	e.number(len(all))
	for _, s := range all {
		e.text(s)
	}
}

func (e *encoder) decl(d *Decl) {
	e.number(int(d.Kind))
	e.number(int(d.Class))
	e.flag(d.Pipeline)
	e.flag(d.Calls)
	e.flag(d.Embeds)
	e.flag(d.Alias)
	e.texts(d.Names)
	e.number(d.Line)
	e.number(d.End)
	e.text(d.Digest)
	e.text(d.Cut)
	e.refs(d.Refs)
	e.number(len(d.Passes))
	for _, p := range d.Passes {
		e.number(p.Ref)
		e.refs([]Ref{p.Callee})
		e.number(p.Arg)
		e.flag(p.Spread)
	}
	e.number(int(d.Keeps))
	e.number(d.Variadic)
	e.number(len(d.Literals))
	for _, l := range d.Literals {
		e.number(l.Ordinal)
		e.number(l.Line)
		e.number(l.End)
		e.text(l.Digest)
		e.flag(l.Local)
		e.refs(l.Refs)
	}
	e.number(len(d.Wirings))
	for _, w := range d.Wirings {
		e.number(w.Line)
		e.number(w.End)
		e.refs([]Ref{w.Func})
		e.text(w.Digest)
		e.refs(w.Refs)
	}
}

func (e *encoder) refs(refs []Ref) {
	e.number(len(refs))
	for _, r := range refs {
		e.text(r.Base)
		e.text(r.Name)
		e.number(int(r.How)<<2 | int(r.Where))
	}
}

// Decode reads what [File.Encode] wrote. It reports whether the bytes are such, of this version.
func Decode(data []byte) (*File, bool) {
	d := decoder{data: data}
	if d.number() != Version {
		return nil, false
	}
	text := string(data) // of which all strings are parts
	d.table = make([]string, d.count())
	for i := range d.table {
		n := d.count()
		if d.bad {
			return nil, false
		}
		at := len(data) - len(d.data)
		d.table[i], d.data = text[at:at+n], d.data[n:]
	}
	f := &File{Package: d.text(), Unclear: d.flag(), Context: d.text()}
	f.Imports = make([]Import, d.count())
	for i := range f.Imports {
		f.Imports[i] = Import{Name: d.text(), Path: d.text()}
	}
	f.Indirect = d.flag()
	f.Decls = make([]Decl, d.count())
	for i := range f.Decls {
		f.Decls[i] = d.decl()
	}
	return f, !d.bad && len(d.data) == 0
}

type decoder struct {
	data  []byte
	table []string
	bad   bool
}

func (d *decoder) number() int {
	n, size := binary.Uvarint(d.data)
	if size <= 0 || n > 1<<31 {
		d.bad, d.data = true, nil
		return 0
	}
	d.data = d.data[size:]
	return int(n)
}

// count reads the number of things that follow, each of a byte or more: damaged bytes cannot ask for more memory than they have.
func (d *decoder) count() int {
	n := d.number()
	if n > len(d.data) {
		d.bad, d.data = true, nil
		return 0
	}
	return n
}

func (d *decoder) flag() bool { return d.number() == 1 }

func (d *decoder) text() string {
	i := d.number()
	if i >= len(d.table) {
		d.bad = true
		return ""
	}
	return d.table[i]
}

func (d *decoder) texts() []string {
	n := d.count()
	if n == 0 {
		return nil
	}
	all := make([]string, n)
	for i := range all {
		all[i] = d.text()
	}
	return all
}

func (d *decoder) decl() Decl {
	out := Decl{
		Kind: Kind(d.number()), Class: Class(d.number()), Pipeline: d.flag(), Calls: d.flag(), Embeds: d.flag(), Alias: d.flag(), Names: d.texts(),
		Line: d.number(), End: d.number(), Digest: d.text(), Cut: d.text(), Refs: d.refs(),
	}
	for range d.count() {
		p := Pass{Ref: d.number()}
		p.Callee = d.ref()
		p.Arg, p.Spread = d.number(), d.flag()
		d.bad = d.bad || p.Ref >= len(out.Refs)
		out.Passes = append(out.Passes, p)
	}
	out.Keeps, out.Variadic = uint32(d.number()), d.number()
	for range d.count() {
		out.Literals = append(out.Literals, Literal{
			Ordinal: d.number(), Line: d.number(), End: d.number(), Digest: d.text(), Local: d.flag(), Refs: d.refs(),
		})
	}
	for range d.count() {
		out.Wirings = append(out.Wirings, Wired{Line: d.number(), End: d.number(), Func: d.ref(), Digest: d.text(), Refs: d.refs()})
	}
	d.bad = d.bad || out.Kind > Type || out.Class > Firm || out.Alias && out.Kind != Type
	d.bad = d.bad || (out.Kind == Func || out.Kind == Type) && len(out.Names) != 1 || out.Kind == Method && len(out.Names) != 2 || slices.Contains(out.Names, "") && out.Kind != Method
	return out
}

// ref reads a list that holds one reference.
func (d *decoder) ref() Ref {
	refs := d.refs()
	if len(refs) != 1 {
		d.bad = true
		return Ref{}
	}
	return refs[0]
}

func (d *decoder) refs() []Ref {
	n := d.count()
	refs := make([]Ref, n)
	for i := range refs {
		base, name, flags := d.text(), d.text(), d.number()
		refs[i] = Ref{Base: base, Name: name, How: Mention(flags >> 2), Where: Region(flags & 3)}
	}
	return refs
}
