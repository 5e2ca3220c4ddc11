package main

import "runtime/debug"

// heapRoom is how many bytes of garbage may gather beyond what Go allows by itself, which is as much as lives. Of a server
// little lives: it would collect many times a second under load, and spend a quarter of its processor time on that.
const heapRoom = 32 << 20

// makeRoom gives back what the start needed, and then makes something that is as large as the room and is never touched: it
// takes part in the arithmetic of the collector and not in the memory of the machine. The caller keeps it as long as it
// serves. GOGC would do as well for a small heap, and far too much for a large one. A tight GOMEMLIMIT leaves no room.
func makeRoom() []byte {
	debug.FreeOSMemory()
	if debug.SetMemoryLimit(-1) < 8*heapRoom { // asks, and changes nothing
		return nil
	}
	return make([]byte, heapRoom)
}
