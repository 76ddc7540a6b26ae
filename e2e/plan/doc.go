// Package plan edits the functions of an example, and holds what "plan" says would run against what then runs.
package plan
