// Package tracker is the component kind for experiment trackers: parameters, metrics and results of runs appear where a team already
// looks.
//
// A [Tracker] is told what the engine has recorded, in batches and at least once; every call is idempotent, so that a run that is
// resumed repeats itself harmlessly. Tracking never decides whether a run succeeds.
package tracker
