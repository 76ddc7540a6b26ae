// Package declgraph finds the declarations of a Go module that a function may reach, by syntax alone.
//
// [Scan] summarises one file: its declarations, the digest of each over its tokens, and what each mentions. [Link] joins the summaries of
// the packages that a program is linked from, and [Graph.Reach] walks from one function. The walk over-approximates what can change
// what the function does, never the other way:
//
//   - an identifier reaches every declaration of that name in its package and in packages imported with a dot, whatever the build
//     constraints of their files; pkg.X likewise in every package that pkg may be. Local names hide others as the language says;
//   - a type reaches all its methods, and x.M every method of that name;
//   - a variable reaches every declaration that may change what it holds, and whatever may call those: see [Mention];
//   - init functions, initialisers that may have effects, and main run before any step does, and are reached by all. There the walk is
//     cut at pipeline functions, and at functions that are given to pipeline.Step, Map and Then;
//   - constants count by the group, for iota; embedded files by their content.
//
// Comments and formatting do not count; constraints and directives do.
package declgraph
