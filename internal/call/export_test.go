package call

// What the tests of a crash need to see of it.

// Memo is what is kept of the call.
func (m *Machine) Memo() []byte { return m.memo() }

// Restore makes a machine of it.
var Restore = restore

// OnlyHeard reports whether an action goes ahead of what is kept.
var OnlyHeard = onlyHeard
