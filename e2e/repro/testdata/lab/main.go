// Lab weighs birds, and fails in several ways that are worth to be looked at in a debugger.
package main

import "github.com/tenon-ml/tenon"

func main() { tenon.Main(Lab) }
