package review

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"prediag"
)

const (
	applicationID  = 0x50444741 // "PDGA" in the database's header: tells our files from those of other programs
	readers        = 4          // connections that only read
	quickCheckSize = 64 << 20   // up to this size the file is checked whole at the start; above it, by Verify
	headerSize     = 100        // bytes
	magic          = "SQLite format 3\x00"
)

// prepareFile creates the file for its owner only, or checks that it starts as a database does.
func prepareFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return notWritable(path, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return notWritable(path, err)
	}
	defer f.Close()
	head := make([]byte, headerSize)
	_, err = io.ReadFull(f, head)
	switch {
	case err == nil && bytes.HasPrefix(head, []byte(magic)):
		return checkHeader(path, head)
	case errors.Is(err, io.EOF):
		return checkNoLog(path)
	case err == nil || errors.Is(err, io.ErrUnexpectedEOF):
		return damaged(path, "it does not begin as a SQLite file", nil)
	}
	return fmt.Errorf("review: read %q: %w", path, err)
}

// checkFile checks that a file begins as a database of ours does, and makes nothing.
func checkFile(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return notFound("STATE_NOT_FOUND", "there is no state database %q: nothing was recorded yet", path)
	}
	if err != nil {
		return fmt.Errorf("review: open %q: %w", path, err)
	}
	defer f.Close()
	head := make([]byte, headerSize)
	if _, err := io.ReadFull(f, head); err != nil || !bytes.HasPrefix(head, []byte(magic)) {
		return damaged(path, "it does not begin as a SQLite file", nil)
	}
	return checkHeader(path, head)
}

// checkHeader refuses another program's database before SQLite has touched it. A database without a schema (its cookie
// is 0) is one of ours whose creation was cut off. The offsets are those of the SQLite file format, section 1.3.
func checkHeader(path string, head []byte) error {
	cookie, app := binary.BigEndian.Uint32(head[40:]), binary.BigEndian.Uint32(head[68:])
	if cookie != 0 && app != applicationID {
		return foreign(path)
	}
	return nil
}

// checkNoLog refuses an empty file beside a log: SQLite would throw the log away, and with it acknowledged changes.
func checkNoLog(path string) error {
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		return damaged(path, "it is empty but its log "+path+"-wal is not", nil)
	}
	return nil
}

// openPool opens connections to the file: one that writes, or several that cannot.
func openPool(path string, readOnly bool) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("review: open %q: %w", path, err)
	}
	pragmas := []string{"foreign_keys(1)", "cell_size_check(1)", "trusted_schema(0)"}
	if readOnly { // a reader waits only while another process recovers the log
		pragmas = append(pragmas, "busy_timeout(1000)", "query_only(1)")
	} else {
		pragmas = append(pragmas, "busy_timeout(20)", "journal_mode(WAL)", "synchronous(FULL)", "journal_size_limit(67108864)")
	}
	values := url.Values{"_pragma": pragmas, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: abs}).EscapedPath()+"?"+values.Encode())
	if err != nil {
		return nil, fmt.Errorf("review: open %q: %w", path, err)
	}
	n := 1
	if readOnly {
		n = readers
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// checkDatabase makes sure that the file is sound, ours, and written the safe way.
func checkDatabase(ctx context.Context, q querier, path string) error {
	var mode, verdict string
	var sync, app, pages, pageSize, tables int64
	for _, ask := range []struct {
		query string
		into  any
	}{
		{"pragma journal_mode", &mode}, {"pragma synchronous", &sync}, {"pragma application_id", &app},
		{"pragma page_count", &pages}, {"pragma page_size", &pageSize}, {"select count(*) from sqlite_schema", &tables},
	} {
		if err := q.QueryRowContext(ctx, ask.query).Scan(ask.into); err != nil {
			return err
		}
	}
	if mode != "wal" || sync != 2 {
		return fmt.Errorf("review: %q: this file system gives journal mode %q and synchronous %d, not wal and 2; use a local disk", path, mode, sync)
	}
	if app != applicationID && tables > 0 {
		return foreign(path)
	}
	if pages*pageSize > quickCheckSize {
		return nil
	}
	if err := q.QueryRowContext(ctx, "pragma quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return damaged(path, verdict, nil)
	}
	return nil
}

// markOurs writes our application ID into the database's header.
func markOurs(ctx context.Context, q querier) error {
	_, err := q.ExecContext(ctx, fmt.Sprintf("pragma application_id = %d", applicationID))
	return err
}

// syncFolder makes the file's entry in its folder durable.
func syncFolder(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// primaryCode is SQLite's result code of an error without its extension, 0 when the error is not SQLite's.
func primaryCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// sqliteClass tells what an error of SQLite means.
func sqliteClass(err error) class {
	switch primaryCode(err) {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return damage
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return busy
	case sqlite3.SQLITE_FULL:
		return full
	}
	return other
}

// sqliteDialect is SQLite's. A change takes the write lock when it begins (_txlock), so it needs no statement for it.
func sqliteDialect() dialect {
	return dialect{
		migrations: "migrations/sqlite",
		now:        "cast(unixepoch('subsec') * 1000000 as integer)",
		readOnly:   sql.TxOptions{ReadOnly: true},
		remedy:     "stop the service and restore the file from a backup",
		class:      sqliteClass,
		verify: func(ctx context.Context, q querier) (verdict string, err error) {
			err = q.QueryRowContext(ctx, "pragma integrity_check(1)").Scan(&verdict)
			return verdict, err
		},
	}
}

// openFile opens the store in the SQLite file at path.
func openFile(path string, opt Options) (*Store, error) {
	if err := prepareFile(path); err != nil {
		return nil, err
	}
	s := &Store{opt: opt.withDefaults(), sql: sqliteDialect()}
	var err error
	if s.writer, err = openPool(path, false); err != nil {
		return nil, err
	}
	if err := s.start(path); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// start checks and migrates the database and opens the readers.
func (s *Store) start(path string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := s.transact(ctx, s.writer, nil, func(q querier) error {
		if err := checkDatabase(ctx, q, path); err != nil {
			return err
		}
		changed, err := s.migrate(ctx, q, path)
		if err != nil || !changed {
			return err
		}
		return markOurs(ctx, q)
	})
	if err != nil {
		return openFault(path, err)
	}
	if err := syncFolder(path); err != nil {
		return fmt.Errorf("review: sync the folder of %q: %w", path, err)
	}
	s.reader, err = openPool(path, true)
	return err
}

// readFile opens the store in the SQLite file at path for reading.
func readFile(path string, opt Options) (*Store, error) {
	if err := checkFile(path); err != nil {
		return nil, err
	}
	s := &Store{opt: opt.withDefaults(), sql: sqliteDialect()}
	var err error
	if s.reader, err = openPool(path, true); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = s.read(ctx, "open", func(q querier) error { return s.checkVersion(ctx, q, path) })
	if err != nil {
		_ = s.Close() // the first error says more
		return nil, openFault(path, err)
	}
	return s, nil
}

// openFault says what is wrong with the file when it cannot be opened.
func openFault(path string, err error) error {
	switch primaryCode(err) {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return damaged(path, "", err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return notWritable(path, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return &prediag.Error{Kind: prediag.ErrLocked, Reason: "STATE_LOCKED", Err: err,
			Message: fmt.Sprintf("the state database %q is in use by another process; stop it first", path)}
	}
	if errors.Is(err, prediag.ErrInvalid) || errors.Is(err, prediag.ErrDamaged) || errors.Is(err, prediag.ErrOverloaded) {
		return err
	}
	return fmt.Errorf("review: open %q: %w", path, err)
}

func damaged(path, what string, err error) error {
	if what != "" {
		what = " (" + what + ")"
	}
	return &prediag.Error{Kind: prediag.ErrDamaged, Reason: "STATE_DAMAGED", Err: err, Message: fmt.Sprintf(
		"the state database %q is damaged%s; restore it from a backup, or move it away to start empty", path, what)}
}

func foreign(path string) error {
	return invalid("STATE_FOREIGN", "", "%q is a database of another program; name another file", path)
}

func notWritable(path string, err error) error {
	return &prediag.Error{Kind: prediag.ErrInvalid, Reason: "STATE_NOT_WRITABLE", Err: err, Message: fmt.Sprintf(
		"the state database %q cannot be written; let the service's user write to its folder, or name another file", path)}
}

func invalid(reason, field, format string, args ...any) error {
	return prediag.Invalid(reason, field, fmt.Sprintf(format, args...))
}
