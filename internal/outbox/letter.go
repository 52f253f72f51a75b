package outbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/tipring/tipring/internal/journal"
)

// Bury makes an item that was given up a dead letter, and strikes it out. It is
// struck out even if there is an error: then it is lost.
func (b *Box) Bury(ctx context.Context, e *Entry, o Obituary) error {
	defer b.Done(e)
	it, err := b.Load(e)
	if err != nil {
		return err
	}
	return b.Shelve(ctx, *it, o)
}

// Shelve makes a dead letter of an item that is not in the box.
func (b *Box) Shelve(ctx context.Context, it Item, o Obituary) error {
	_, err := b.config.Shelf.Add(ctx, marshalLetter(&Letter{Obituary: o, At: b.config.Now(), Item: it}))
	if err != nil {
		return fmt.Errorf("keep a dead letter: %w", err)
	}
	b.config.Metrics.Counter("dead_letters_total", "reason", o.Reason, "Events that were given up and became dead letters").Add(1)
	return nil
}

// Letters lists at most n dead letters with numbers above after, oldest first.
func (b *Box) Letters(after uint64, n int) ([]Letter, error) {
	var list []Letter
	err := b.config.Shelf.List(after, n, func(seq uint64, value []byte) error {
		l, err := unmarshalLetter(value)
		if err != nil {
			l = Letter{Obituary: Obituary{Reason: "unreadable", Error: err.Error()}} // it has a number, so that it can be removed
		}
		l.Seq = seq
		list = append(list, l)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	return list, nil
}

// Letter gives one dead letter, or ErrNotFound.
func (b *Box) Letter(seq uint64) (Letter, error) {
	value, err := b.config.Shelf.Get(seq)
	if err != nil {
		return Letter{}, notFound(fmt.Errorf("read a dead letter: %w", err))
	}
	l, err := unmarshalLetter(value)
	if err != nil {
		return Letter{}, fmt.Errorf("dead letter %d: %w", seq, err)
	}
	l.Seq = seq
	return l, nil
}

// Discard removes a dead letter. One that is not there is ErrNotFound.
func (b *Box) Discard(seq uint64) error {
	if _, err := b.config.Shelf.Get(seq); err != nil {
		return notFound(fmt.Errorf("remove a dead letter: %w", err))
	}
	if err := b.config.Shelf.Remove(seq); err != nil {
		return fmt.Errorf("remove a dead letter: %w", err)
	}
	return nil
}

// notFound adds our own word for it.
func notFound(err error) error {
	if errors.Is(err, journal.ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return err
}
