// Package why says what the cache key of a step is made of, and which of it differs from an earlier result: down to the declaration that
// changed, or the input and the step that produced it.
//
// [Facts] are all that one key is made of, of a run that is recorded ([Read], [Run.Facts]) or of a plan that is not run yet ([Planned]).
// [Compare] lists how two of them differ, and [Nearest] finds the earlier result that differs least.
package why
