// Package call is to be written.
package call
