// Package trial is for tests that do harm to whole programs: it builds and starts them on a state directory of their own, finds all
// processes that come of them, ends them without a word, reads what their steps wrote down outside Tenon, and checks what is recorded.
package trial
