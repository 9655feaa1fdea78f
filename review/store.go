// Package review is the state of record: what was diagnosed, the audit log of how it was decided, which cases wait for a
// human, what the humans decided, and which requests were answered already.
//
// Every change is one transaction that is on disk (fsync) before the call returns. A customer's ticket becomes a
// prediag.Example in the same transaction as the resolution of its case. The store is one SQLite file in WAL mode, with one writing
// connection and a few reading ones, or a PostgreSQL database that several processes share. The SQL is one text for both; a
// dialect says where they differ. The file must be on a local disk: SQLite's locks do not hold on network file systems.
package review

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"
)

// Options are the settings of a Store. The zero value of each means its default.
type Options struct {
	Now       func() time.Time            // the clock; default time.Now
	Lease     time.Duration               // how long a claimed case is kept for its reviewer; default 15 minutes
	Retention time.Duration               // how long a request key is remembered; default 24 hours
	MaxOpen   int                         // cases that may wait at one time; default 1,000,000
	Labels    func(field string) []string // what the model knows: other labels are refused in a resolution; nil, or none for a field: not asked
	BusyWait  time.Duration               // how long a change waits for another process that is writing; default 5 seconds
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Lease <= 0 {
		o.Lease = 15 * time.Minute
	}
	if o.Retention <= 0 {
		o.Retention = 24 * time.Hour
	}
	if o.MaxOpen <= 0 {
		o.MaxOpen = 1_000_000
	}
	if o.BusyWait <= 0 {
		o.BusyWait = 5 * time.Second
	}
	return o
}

// Store holds the state of record. Its methods may be called from many goroutines.
//
// Errors are of the root's kinds; an error of another kind is a fault of the disk or the file system, after which the
// outcome of a change is unknown and the call is to be repeated with the same prediag.RequestKey.
type Store struct {
	opt    Options
	sql    dialect
	writer *sql.DB // nil: opened for reading
	reader *sql.DB // cannot write
}

// Open opens the state of record and creates or migrates it where needed: the SQLite file at a path, or the PostgreSQL
// database of an address (postgres://USER@HOST:PORT/DATABASE, with the options of libpq; the password may also come from
// PGPASSWORD or the file that PGPASSFILE names).
//
// The error is of kind ErrDamaged when the file is not a sound SQLite database, of kind ErrInvalid when the database belongs
// to another program or to a newer version of this one, or when it cannot be written, and of kind ErrNotReady when
// PostgreSQL cannot be reached.
func Open(where string, opt Options) (*Store, error) {
	if IsPostgres(where) {
		return openPostgres(where, opt, false)
	}
	return openFile(where, opt)
}

// OpenReadOnly opens the state of record for reading, while another process may be writing it. Calls that change
// something are of kind ErrInvalid. The error is of kind ErrNotFound when there is no such file, of kind ErrInvalid when it
// is another program's or another version's.
func OpenReadOnly(where string, opt Options) (*Store, error) {
	if IsPostgres(where) {
		return openPostgres(where, opt, true)
	}
	return readFile(where, opt)
}

// Close waits for running calls and closes the file. The last one to close it moves the log into the database.
func (s *Store) Close() error {
	var errs []error
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.Close())
	}
	return errors.Join(errs...)
}

// querier is what a statement needs: a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// write runs fn in one transaction, which is on disk when write returns nil and undone when it does not. fn may be run
// again after the first run was undone.
func (s *Store) write(ctx context.Context, doing string, fn func(querier) error) error {
	if s.writer == nil {
		return readOnly(doing)
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	for n := 1; ; n++ {
		err := s.transact(ctx, s.writer, nil, func(q querier) error {
			if s.sql.turn != "" {
				if _, err := q.ExecContext(ctx, s.sql.turn); err != nil {
					return err
				}
			}
			return fn(q)
		})
		if err == nil || n == tries || isKnown(err) || s.sql.class(err) != again {
			return s.fault(ctx, doing, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(rand.N(time.Duration(n) * 20 * time.Millisecond)):
		}
	}
}

// read runs fn on one unchanging view of the database.
func (s *Store) read(ctx context.Context, doing string, fn func(querier) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return s.fault(ctx, doing, s.transact(ctx, s.reader, &s.sql.readOnly, fn))
}

func (s *Store) transact(ctx context.Context, db *sql.DB, opt *sql.TxOptions, fn func(querier) error) error {
	tx, err := s.begin(ctx, db, opt)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		_ = tx.Rollback() // the first error says more; a connection that cannot roll back is discarded
		return err
	}
	return tx.Commit()
}

// begin waits for another process's write lock here and not in SQLite, whose own wait does not end with the context.
func (s *Store) begin(ctx context.Context, db *sql.DB, opt *sql.TxOptions) (*sql.Tx, error) {
	patience := time.NewTimer(s.opt.BusyWait)
	defer patience.Stop()
	for {
		tx, err := db.BeginTx(ctx, opt)
		if err == nil || s.sql.class(err) != busy {
			return tx, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-patience.C:
			return nil, err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// micros is the time as the database holds it; 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}
