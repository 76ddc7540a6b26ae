// Package command makes steps of programs in any language, wired and typed like steps in Go.
//
//	type TrainIn struct {
//		Rows artifact.Ref[[]Row] // an input: the program is given a file
//		LR   float64             // a parameter: the program is given its value
//	}
//
//	type TrainOut struct {
//		Model artifact.Ref[Model] // an output: the program writes a file
//	}
//
//	var trainer = command.Spec{
//		Args:  []string{"python3", "train.py", "--rows", "{Rows:csv}", "--lr", "{LR}", "--model", "{out.Model}"},
//		Files: map[string]artifact.Source{"train.py": artifact.FromBytes("train.py", trainPy)},
//	}
//
//	fit := pipeline.Step(p, "train", command.Run[TrainOut], command.With(trainer, TrainIn{Rows: rows, LR: in.LR}))
//
// [Run] is a step function and [With] makes its input, so pipeline.Map and Then take them, too, and a unit test calls Run. What a command says
// is checked when the pipeline is built, against the fields of the step's input and output.
//
// # Placeholders
//
//	{Name}        an input, or a parameter: a field of the step's input
//	{Name:form}   an input in another form than that of its type
//	{out.Name}    an output: the path that the program writes to. {out} is that of a step that returns a single Ref
//	{out.Name:x}  an output in another form or, of a type whose bytes are stored as they are, under another file name: {out.Plot:plot.svg}
//	{params}      a JSON file with all parameters, by their names
//	{{ and }}     a brace
//
// A field that the command does not use is a mistake, as is a placeholder without a field.
//
// # Forms
//
// An input is the path of a file, or its value if the form is "value". In both directions the first form is the default:
//
//	artifact.Source                     the path of the file or directory; only as an input
//	artifact.File, artifact.Dir         the path as it is. The directory of an output exists, and is empty
//	artifact.Blob, []byte               the bytes
//	string                              the bytes; value. An output must be UTF-8
//	rows: []T of flat structs, Table[T] parquet, csv; a slice also json
//	image.Image                         PNG
//	any other type                      json, value
//
// CSV has a header with the names of the columns. A float may be NaN, Infinity and -Infinity, a time is RFC 3339, bytes are base64, and an empty field is
// null. JSON is that of package encoding/json, tags included; in an output nothing may be missing and nothing too much, and null is
// not zero. A value as an argument is its text: a string without quotes, numbers and booleans as in JSON, everything else as JSON.
//
// # Reports
//
// A program reports what its work yields while it runs by lines that begin with "::tenon", each with a metric or the progress:
//
//	::tenon metric loss=0.25
//	::tenon progress 3/10
//
// It prints them to its standard output or standard error, or appends them to the file that the variable TENON_REPORT names. What it prints
// otherwise goes to the log of the step: standard output as information, standard error as warnings.
//
// # Surroundings
//
// The program runs in an empty directory with the files of [Spec], which is removed after the step. Of the environment it sees PATH, HOME, USER and LOGNAME
// (on Windows also what programs need to start), LANG=C.UTF-8, TMPDIR, and what the Spec says. It ends together with all that it started, except
// for what left its session and whose leader ended well.
//
// # Cache
//
// Args, Env and the contents of Files and of Sources are in the cache key, as are the inputs. The version of the program is not, nor are the values
// of Inherit: name them with step.Config{Version: "python 3.12"}, or make the version an input, by a step that asks for it each time.
package command
