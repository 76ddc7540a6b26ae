// Package scale runs graphs, chains and maps that are very large, lets many steps end at once, and shows that what people and programs do every day
// asks a store that holds very many runs for no more than one that holds a single run. How long it takes is measured by bench.
package scale
