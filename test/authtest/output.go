package authtest

import (
	"strings"
	"sync"
)

// Output keeps what a program writes, to be read while it runs. Its zero value is empty.
type Output struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write keeps a part of the output.
func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

// String gives what was written so far.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
