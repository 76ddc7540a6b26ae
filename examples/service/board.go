package main

import (
	"strconv"
	"sync"
	"time"

	"github.com/tenon-ml/tenon/pipeline"
)

// board holds what happens in the runs that this process drives, as long as they are going, and bounds how many there are.
type board struct {
	most int

	mu       sync.Mutex
	reserved int // runs that are about to start
	feeds    map[string]*feed
}

func newBoard(most int) *board { return &board{most: most, feeds: map[string]*feed{}} }

// reserve makes room for a run, or reports false. Observe is the observer of that run, and release is called when its start has succeeded or
// failed.
func (b *board) reserve() (observe func(pipeline.Event), release func(), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reserved+len(b.feeds) >= b.most {
		return nil, nil, false
	}
	b.reserved++
	pending := true
	settle := func() {
		if pending {
			pending = false
			b.reserved--
		}
	}
	observe = func(e pipeline.Event) {
		b.mu.Lock()
		settle() // it has a feed from now on
		f := b.of(e)
		b.mu.Unlock()
		f.add(e)
	}
	release = func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		settle()
	}
	return observe, release, true
}

// observe is the observer of runs for which no room was made.
func (b *board) observe(e pipeline.Event) {
	b.mu.Lock()
	f := b.of(e)
	b.mu.Unlock()
	f.add(e)
}

// of returns the feed that an event belongs to, and takes it from the board if that is the last one. The caller holds b.mu.
func (b *board) of(e pipeline.Event) *feed {
	f := b.feeds[e.Run]
	if f == nil {
		f = &feed{name: strconv.FormatInt(time.Now().UnixNano(), 36), changed: make(chan struct{})}
		b.feeds[e.Run] = f
	}
	if e.RunState.Ended() {
		delete(b.feeds, e.Run)
	}
	return f
}

// feed returns what happens in a run, or nil if this process does not drive it.
func (b *board) feed(run string) *feed {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.feeds[run]
}

// memory is how many events of a run are kept for who comes late.
const memory = 1000

// feed is what happens in one run, numbered from 0. Readers ask for what is new, so that a slow one, or one that went away, holds up nobody.
type feed struct {
	name string // tells it from the feed of an earlier driver of the run

	mu      sync.Mutex
	first   int // number of events[0]
	events  []pipeline.Event
	changed chan struct{} // closed with the next event
}

func (f *feed) add(e pipeline.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.events) == memory {
		f.first += memory / 2
		f.events = append(make([]pipeline.Event, 0, memory), f.events[memory/2:]...) // readers may still have the old ones
	}
	f.events = append(f.events, e)
	close(f.changed)
	f.changed = make(chan struct{})
}

// since returns the events from number n on, as far as they are kept, the number of the first of them, and what is closed when there are more.
func (f *feed) since(n int) (events []pipeline.Event, first int, more <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	first = min(max(n, f.first), f.first+len(f.events))
	return f.events[first-f.first : len(f.events) : len(f.events)], first, f.changed
}
