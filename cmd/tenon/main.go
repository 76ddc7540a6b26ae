// Command tenon looks at what pipelines recorded, and manages stacks: see "tenon --help".
package main

import "github.com/tenon-ml/tenon"

func main() { tenon.Main() }
