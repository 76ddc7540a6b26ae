//go:build !linux

package local_test

func host()             {}
func hostWithoutFiles() {}
func hostIsPatient()    {}
