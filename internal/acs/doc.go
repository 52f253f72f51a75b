// Package acs is the dialect of Azure Communication Services as plain data:
// what Call Automation requests, answers and events look like in JSON.
//
// # What it does
//
// It has a type for each request, response and event payload, the names of
// tones and states, identifiers in both spellings, and the result codes and
// messages of events as the service was recorded to send them.
//
// # How it works
//
// There is no behaviour here beyond spelling. Package api decodes requests and
// checks them; package webhook fills events. The shapes are those of the
// public REST description, api-version 2026-03-12, and of recorded traffic,
// which wins where the two disagree.
//
// # How to use it
//
//	who := acs.Identify("4:+15550100")   // {"kind":"phoneNumber","rawId":"4:+15550100",…}
//	id, err := who.ID()                  // "4:+15550100"
//	tone := acs.ToneOf('#')              // "pound"
package acs

// Version is the api-version whose shapes these are; events carry it.
const Version = "2026-03-12"
