package review

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"prediag"
)

const (
	writers       = 4 // connections to PostgreSQL that change things; one at a time has its turn
	dialTimeout   = 5 * time.Second
	idleInTurn    = 30 * time.Second // after which PostgreSQL takes the turn from a process that went silent
	statementTime = time.Minute
)

// IsPostgres tells an address of PostgreSQL from the name of a file.
func IsPostgres(where string) bool {
	return strings.HasPrefix(where, "postgres://") || strings.HasPrefix(where, "postgresql://")
}

// postgresName is an address without user, password and options, as it may be shown.
func postgresName(where string) string {
	u, err := url.Parse(where)
	if err != nil {
		return "postgres://"
	}
	return "postgres://" + u.Host + u.Path
}

// postgresDialect is PostgreSQL's. Changes of all processes take turns at one row, so that they see one another and the
// sequences grow in the order of the commits, as on SQLite; the counters that every change touches would make them wait
// for one another in any case, and in an order that can end in a deadlock.
func postgresDialect() dialect {
	return dialect{
		migrations: "migrations/postgres",
		now:        "(extract(epoch from clock_timestamp()) * 1000000)::bigint",
		turn:       "select id from turn where id = 1 for update",
		readOnly:   sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead},
		remedy:     "stop the services and restore the database from a backup",
		class:      postgresClass,
		verify:     verifyChecksums,
	}
}

// postgresClass tells what an error means; the codes are those of appendix A of PostgreSQL's manual.
func postgresClass(err error) class {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return connectionClass(err)
	}
	switch e.Code {
	case "40001", "40P01", "CR000": // serialization failure, deadlock
		return again
	case "55P03", "57014": // lock timeout, statement timeout
		return busy
	case "53100":
		return full
	case "XX001", "XX002":
		return damage
	case "22021", "22P05":
		return unstorable
	case "53300", "57P01", "57P02", "57P03", "57P05", "25006", "25P03": // too many connections, shutdown, start, stand-by
		return unreachable
	}
	if strings.HasPrefix(e.Code, "08") {
		return unreachable
	}
	return other
}

func connectionClass(err error) class {
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &connect), errors.As(err, &network), errors.Is(err, driver.ErrBadConn),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), pgconn.SafeToRetry(err),
		strings.Contains(err.Error(), "conn closed"): // pgconn has no error value for it
		return unreachable
	}
	return other
}

// openPostgres opens the store in a PostgreSQL database, and creates or migrates its tables unless it only reads.
func openPostgres(where string, opt Options, readOnly bool) (*Store, error) {
	s := &Store{opt: opt.withDefaults(), sql: postgresDialect()}
	config, err := postgresConfig(where, s.opt)
	if err != nil {
		return nil, err
	}
	if !readOnly {
		s.writer = stdlib.OpenDB(*config)
		s.writer.SetMaxOpenConns(writers)
		s.writer.SetMaxIdleConns(writers)
	}
	reading := config.Copy()
	reading.RuntimeParams["default_transaction_read_only"] = "on"
	s.reader = stdlib.OpenDB(*reading)
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.startPostgres(ctx, where); err != nil {
		return nil, errors.Join(postgresFault(where, err), s.Close())
	}
	return s, nil
}

// postgresConfig reads an address. Whoever stops answering is given up: PostgreSQL ends what waits or is silent for long.
func postgresConfig(where string, opt Options) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(where)
	if err != nil { // pgx takes the password out of its message
		return nil, invalid("STATE_ADDRESS_INVALID", "", "the address of the state database cannot be read (%v); write postgres://USER@HOST:PORT/DATABASE", err)
	}
	for name, d := range map[string]time.Duration{
		"lock_timeout": opt.BusyWait, "statement_timeout": statementTime, "idle_in_transaction_session_timeout": idleInTurn,
	} {
		if _, given := config.RuntimeParams[name]; !given {
			config.RuntimeParams[name] = strconv.FormatInt(d.Milliseconds(), 10)
		}
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "prediag"
	}
	if config.ConnectTimeout <= 0 {
		config.ConnectTimeout = dialTimeout
	}
	dialer := net.Dialer{Timeout: dialTimeout, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}}
	config.DialFunc = dialer.DialContext
	return config, nil
}

func (s *Store) startPostgres(ctx context.Context, where string) error {
	name := postgresName(where)
	if s.writer == nil {
		return s.transact(ctx, s.reader, &s.sql.readOnly, func(q querier) error {
			if err := checkPostgres(ctx, q, name); err != nil {
				return err
			}
			return s.checkVersion(ctx, q, name)
		})
	}
	var err error
	for range tries { // others may be creating the same tables
		err = s.transact(ctx, s.writer, nil, func(q querier) error {
			if _, err := q.ExecContext(ctx, "select pg_advisory_xact_lock($1)", int64(applicationID)); err != nil {
				return err
			}
			if err := checkPostgres(ctx, q, name); err != nil {
				return err
			}
			_, err := s.migrate(ctx, q, name)
			return err
		})
		if err == nil || s.sql.class(err) != again && !createdMeanwhile(err) {
			return err
		}
	}
	return err
}

// createdMeanwhile reports whether another process created what this one was about to.
func createdMeanwhile(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "23505" || e.Code == "42P07" || e.Code == "42710")
}

// checkPostgres refuses a server that acknowledges what is not on its disk, and another program's tables.
func checkPostgres(ctx context.Context, q querier, name string) error {
	var commit, sync string
	var ours, taken bool
	err := q.QueryRowContext(ctx, `select coalesce(current_setting('synchronous_commit', true), 'on'), coalesce(current_setting('fsync', true), 'on'),
		to_regclass('schema_version') is not null, to_regclass('diagnoses') is not null or to_regclass('cases') is not null`).
		Scan(&commit, &sync, &ours, &taken)
	switch {
	case err != nil:
		return err
	case commit == "off" || sync == "off":
		return invalid("STATE_UNSAFE", "", "the state database %q has synchronous_commit %s and fsync %s and would lose what it acknowledged; switch both on", name, commit, sync)
	case taken && !ours:
		return invalid("STATE_FOREIGN", "", "%q holds tables of another program; name another database, or a schema with ?search_path=NAME", name)
	}
	return nil
}

// postgresFault says what is wrong when a database cannot be opened.
func postgresFault(where string, err error) error {
	var e *pgconn.PgError
	name := postgresName(where)
	switch {
	case isKnown(err):
		return err
	case errors.As(err, &e) && (strings.HasPrefix(e.Code, "28") || e.Code == "3D000" || e.Code == "42501" || e.Code == "3F000"):
		return &prediag.Error{Kind: prediag.ErrInvalid, Reason: "STATE_REFUSED", Err: errors.New(e.Message), Message: fmt.Sprintf(
			"the state database %q refuses this user; make the database with createdb, give the user a password in PGPASSWORD or PGPASSFILE, and let it create tables", name)}
	case postgresClass(err) == unreachable || errors.Is(err, context.DeadlineExceeded):
		return &prediag.Error{Kind: prediag.ErrNotReady, Reason: "STATE_UNREACHABLE", Err: err, Message: fmt.Sprintf(
			"the state database %q cannot be reached; see that it runs and listens there", name)}
	}
	return fmt.Errorf("review: open %q: %w", name, err)
}

// verifyChecksums reads every record that has a checksum. What PostgreSQL itself keeps beside them, it checks itself
// (initdb --data-checksums, pg_amcheck).
func verifyChecksums(ctx context.Context, q querier) (string, error) {
	for _, table := range []string{"diagnoses", "decisions", "shadows"} {
		bad, err := badChecksums(ctx, q, table)
		if err != nil {
			return "", err
		}
		if bad > 0 {
			return fmt.Sprintf("%d rows of %s are not what was written", bad, table), nil
		}
	}
	return "ok", nil
}

func badChecksums(ctx context.Context, q querier, table string) (bad int, err error) {
	rows, err := q.QueryContext(ctx, "select body, checksum from "+table)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		var sum int64
		if err := rows.Scan(&body, &sum); err != nil {
			return 0, err
		}
		if len(body) > 0 && checksum(body) != sum {
			bad++
		}
	}
	return bad, rows.Err()
}

// Password reports whether an address holds a password, which then can be read in the list of processes.
func Password(where string) bool {
	u, err := url.Parse(where)
	if err != nil || !IsPostgres(where) {
		return false
	}
	_, given := u.User.Password()
	return given || u.Query().Has("password")
}

// Kept is an address as it may be kept in a file: without its password.
func Kept(where string) string {
	u, err := url.Parse(where)
	if err != nil || !IsPostgres(where) {
		return where
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	values := u.Query()
	values.Del("password")
	u.RawQuery = values.Encode()
	return u.String()
}
