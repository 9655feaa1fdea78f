package review

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"prediag"
)

// class is what an error of a database means to the store.
type class int

const (
	other       class = iota
	busy              // another transaction holds what this one needs
	again             // the transaction lost against another one and was undone: run it again
	full              // the disk is
	damage            // the database is not sound
	unreachable       // the database cannot be asked now; whether the last change was made is unknown
	unstorable        // a text that the database cannot hold
)

// dialect is where one database differs from the other. All other SQL is the same text for both.
type dialect struct {
	migrations string                                                           // folder of the schema's versions
	now        string                                                           // expression: microseconds since 1970 by the database's clock
	turn       string                                                           // statement that every change begins with; empty: the database lets in one at a time by itself
	readOnly   sql.TxOptions                                                    // one unchanging view
	remedy     string                                                           // for damage
	verify     func(ctx context.Context, q querier) (verdict string, err error) // "ok", or what is wrong
	class      func(error) class
}

// tries bounds how often a transaction is run that lost against others.
const tries = 8

// callTime bounds every call, so that a database that stopped answering holds nobody for ever.
const callTime = 2 * time.Minute

// Location is the address of a state of record as it may be shown: without user, password and options.
func Location(where string) string {
	if IsPostgres(where) {
		return postgresName(where)
	}
	return where
}

// Verify reads the whole database and reports damage as an error of kind ErrDamaged. Other calls go on meanwhile.
func (s *Store) Verify(ctx context.Context) error {
	return s.read(ctx, "verify", func(q querier) error {
		verdict, err := s.sql.verify(ctx, q)
		if err == nil && verdict != "ok" {
			err = &prediag.Error{Kind: prediag.ErrDamaged, Reason: "STATE_DAMAGED",
				Message: "the state database is damaged (" + verdict + "); " + s.sql.remedy}
		}
		return err
	})
}

// fault turns an error of the database into one of the root's kinds, where one fits.
func (s *Store) fault(ctx context.Context, doing string, err error) error {
	if err == nil || isKnown(err) {
		return err
	}
	kind := s.sql.class(err)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("review: %s: %w", doing, ctx.Err())
	case strings.Contains(err.Error(), "database is closed"): // database/sql has no error value for it
		return fmt.Errorf("review: %s: the store is closed: %w", doing, prediag.ErrNotReady)
	case kind == damage:
		return &prediag.Error{Kind: prediag.ErrDamaged, Reason: "STATE_DAMAGED", Err: err,
			Message: doing + ": the state database is damaged; " + s.sql.remedy}
	case kind == busy || kind == again:
		return &prediag.Error{Kind: prediag.ErrOverloaded, Reason: "STATE_BUSY", RetryAfter: time.Second, Err: err,
			Message: doing + ": another process keeps the state database busy; try again"}
	case kind == full:
		return &prediag.Error{Kind: prediag.ErrOverloaded, Reason: "STATE_DISK_FULL", RetryAfter: time.Minute, Err: err,
			Message: doing + ": the disk of the state database is full; make room and try again"}
	case kind == unreachable:
		return &prediag.Error{Kind: prediag.ErrNotReady, Reason: "STATE_UNREACHABLE", RetryAfter: 2 * time.Second, Err: err,
			Message: doing + ": the state database does not answer; try again with the same request id"}
	case kind == unstorable:
		return &prediag.Error{Kind: prediag.ErrInvalid, Reason: "TEXT_NOT_STORABLE", Err: err,
			Message: doing + ": an id or name is not UTF-8 or holds the character U+0000; send it without"}
	}
	return fmt.Errorf("review: %s: %w", doing, err)
}

// isKnown reports whether an error has its kind and its words already.
func isKnown(err error) bool {
	var known *prediag.Error
	return errors.As(err, &known)
}
