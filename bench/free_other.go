//go:build !linux

package main

import "math"

func free(string) (int64, error) { return math.MaxInt64, nil }
