// Package architecture holds the design of the tree as a test: which folder may import which, where each outside library
// lives, and rules of style that a parser can see. It has no code for other packages. Whoever changes a table here says
// why in docs/decisions.
package architecture
