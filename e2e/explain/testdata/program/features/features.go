// Package features holds a helper.
package features

// Scale scales.
func Scale(n int) float64 {
	return 2 * float64(n)
}

// Unused is reached by no step.
func Unused() int { return 1 }
