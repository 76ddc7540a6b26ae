package declgraph

// Version changes with what [Scan] finds and with how it is encoded.
const Version = 3

// File is what the graph needs to know of one source file. It depends on the file's content alone.
type File struct {
	Package string // the name in its package clause
	// Unclear says that the syntax does not tell what the file means: it cannot be parsed, has directives that link or move code.
	Unclear bool
	Context string // build constraints and debug settings: they change what declarations mean
	Imports []Import
	Decls   []Decl
	// Indirect says that the functions which wire steps are mentioned otherwise than in calls of them.
	Indirect bool
}

// Import is one import.
type Import struct{ Name, Path string } // Name is "" unless it is given

// Kind is the kind of a declaration.
type Kind uint8

// The kinds.
const (
	Func   Kind = iota
	Method      // Names are the receiver's type and the method
	Var
	Const // a whole group
	Type
)

// Class says how values of a variable can change.
type Class uint8

// The classes, by what it takes to change what a variable of it holds.
const (
	Open Class = iota // unknown: whoever has an element may
	Flat              // whoever has the value may: a slice, a map or an array of basic values
	Firm              // only assignment: a basic value, an error, a function literal
)

// Decl is one declaration: a function, a method, a type, a variable specification, a group of constants.
type Decl struct {
	Kind      Kind
	Class     Class // of a variable
	Pipeline  bool  // it defines a pipeline or wires steps
	Calls     bool  // its initialiser calls something
	Embeds    bool  // a variable that holds files
	Alias     bool  // a type that is another
	Names     []string
	Line, End int
	Digest    string // of its tokens
	// Cut is the digest without the pipelines and steps within; empty if there are none.
	Cut      string
	Refs     []Ref
	Passes   []Pass
	Literals []Literal
	Wirings  []Wired
	// Keeps has a bit for each parameter of which the function may change or hand on more than an element.
	Keeps    uint32
	Variadic int // the last parameter, if it is variadic, counted from 1
}

// Pass says that something is the argument of a call, where nothing else is known of the function.
type Pass struct {
	Ref    int // index of what is passed; for it this is no more than an [Element], unless the function keeps it
	Callee Ref
	Arg    int
	Spread bool // it is followed by "..."
}

// Literal is a function literal that may be a step: of two parameters and two results.
type Literal struct {
	Ordinal   int // among all literals of the declaration
	Line, End int
	Digest    string
	Local     bool // it mentions something that the declaration around it declares
	Refs      []Ref
}

// Wired is a call of pipeline.Step, Map or Then.
type Wired struct {
	Line, End int
	// Func is the function that is given, if it is only named, by names that mean the same everywhere in the file. Its Name is empty otherwise.
	Func   Ref
	Digest string // of what is given, with type arguments
	Refs   []Ref  // that it mentions
}

// Ref is what a declaration mentions: Name alone, Base.Name if Base may be an import, ".Name" of some value if Base is ".", or if it is "=" a Name
// in the place of a key, which may be that of a field.
type Ref struct {
	Base, Name string
	How        Mention
	Where      Region
}

// Region says where a declaration mentions something.
type Region uint8

// The regions. A mention in two of them has the smaller.
const (
	Code   Region = iota // in code that runs whenever the declaration does
	Inside               // only within a pipeline function or a step that is written in place
	Wiring               // only as the function that is given to pipeline.Step and the like
)

// Mention says what a declaration may do to a variable that it mentions. Of several mentions the largest counts.
type Mention uint8

// The mentions.
const (
	Read    Mention = iota // it changes nothing: an operand, a condition, a length
	Element                // an element or field is handed on, which may be changed if it refers to something
	Call                   // it is called
	Value                  // it is handed on, returned or stored: another name for it
	Apply                  // a method is called on it or a part of it
	Write                  // it is assigned, or its address is taken
)

// changes is the smallest mention that may change what a variable of a class holds.
func (c Class) changes() Mention {
	switch c {
	case Firm:
		return Write
	case Flat:
		return Call
	default:
		return Element
	}
}
