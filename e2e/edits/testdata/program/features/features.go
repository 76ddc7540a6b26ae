package features

const (
	Monday = iota
	Tuesday
)

var factor = 3

// Table is filled where it is declared.
var Table = map[string]int{"a": 1, "b": weight(2)}

func weight(x int) int { return x + 1 }

var limit = 5

// Scale multiplies.
func Scale(x int) int { return scaled(x, factor) }

func scaled(x, by int) int { return x * by }

// Weekday is a day after.
func Weekday(x int) int { return x + Tuesday }

// Limit returns a variable that others may set.
func Limit() int { return limit }
