// Package secrets is the component kind for secrets managers, and [Secret], a value that does not show itself.
//
// Configurations and parameters hold references to secrets, never their values. Whoever needs one asks the [Manager], with a login
// of its own, at the moment of use, and gets a Secret: it prints as "[redacted]" in every verb of package fmt, in
// JSON, text and slog, also deep inside other values. [Secret.Reveal] is the only way to its content.
package secrets
