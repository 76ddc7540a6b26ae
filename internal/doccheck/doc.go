// Package doccheck keeps the documentation true: its links lead somewhere, and its code is code that compiles and is tested. It
// has no code outside its tests.
package doccheck
