// Allcached reads "tenon run show -o json" and fails unless every step of the run came from the cache.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	var run struct {
		Steps []struct {
			Step  string `json:"step"`
			State string `json:"state"`
		} `json:"steps"`
	}
	if err := json.NewDecoder(os.Stdin).Decode(&run); err != nil {
		fmt.Fprintln(os.Stderr, "allcached:", err)
		os.Exit(1)
	}
	bad := len(run.Steps) == 0
	for _, s := range run.Steps {
		fmt.Printf("%-10s %s\n", s.Step, s.State)
		bad = bad || s.State != "cached"
	}
	if bad {
		fmt.Fprintln(os.Stderr, "allcached: a step of the second run did not come from the cache")
		os.Exit(1)
	}
}
