package webhook

import (
	"container/heap"
	"time"
)

// An alarm is something that happens to a lane or to a host at a time.
type alarm struct {
	at    time.Time
	place int // in the heap, from 1; 0: it is not set
	lane  *lane
	host  *host
}

// alarms is a heap of them, the next one first.
type alarms []*alarm

func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].at.Before(a[j].at) }

func (a alarms) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].place, a[j].place = i+1, j+1
}

// Push is for package heap.
func (a *alarms) Push(x any) {
	one := x.(*alarm)
	*a = append(*a, one)
	one.place = len(*a)
}

// Pop is for package heap.
func (a *alarms) Pop() any {
	old := *a
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*a = old[:len(old)-1]
	last.place = 0
	return last
}

// set sets an alarm, in the place of its earlier time. The mutex is held.
func (c *Courier) set(a *alarm, at time.Time) {
	a.at = at
	if a.place > 0 {
		heap.Fix(&c.alarms, a.place-1)
	} else {
		heap.Push(&c.alarms, a)
	}
	if a.place == 1 {
		c.nudge()
	}
}

func (c *Courier) unset(a *alarm) {
	if a.place > 0 {
		heap.Remove(&c.alarms, a.place-1)
	}
}

// ring does what is due, and says when the next alarm is.
func (c *Courier) ring(now time.Time) (next time.Time, ok bool) {
	for len(c.alarms) > 0 {
		a := c.alarms[0]
		if now.Before(a.at) {
			return a.at, true
		}
		heap.Pop(&c.alarms)
		if a.host != nil {
			c.offer(a.host, now)
			continue
		}
		l := a.lane
		if _, deadline := l.first(); !now.Before(deadline) {
			c.condemn(l)
		} else if l.state == waiting {
			c.lineUp(l)
		}
	}
	return time.Time{}, false
}

// nudge has Run look again.
func (c *Courier) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
