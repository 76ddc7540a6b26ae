// Package depcheck holds the wall around the core: what its packages may import, and what a program links that only embeds
// Tenon. It has no code outside its tests.
package depcheck
