// Package newproject writes a small working project of one's own: a module with a pipeline, its tests, and a file for continuous integration.
//
// Its Go files are those of the package starter, which is compiled and tested as any other of this module.
package newproject
