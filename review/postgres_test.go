package review

import (
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"prediag"
	"prediag/internal/pgtest"
)

// onPostgres names the PostgreSQL database in which all tests of this folder find their stores, each in a schema of its
// own; empty: they find them in files.
const onPostgres = "PREDIAG_REVIEW_POSTGRES"

// TestEverythingOnPostgreSQL runs the tests of this folder once more on a PostgreSQL of their own.
func TestEverythingOnPostgreSQL(t *testing.T) {
	if os.Getenv(onPostgres) != "" {
		t.Skip("this is that run")
	}
	server := postgres(t)
	cmd := exec.Command(os.Args[0], "-test.v", "-test.timeout=5m", "-rapid.checks=20", "-test.skip=RoundTrip")
	cmd.Env = append(os.Environ(), onPostgres+"="+server.URL("postgres"), "PGPASSWORD="+pgtest.Password)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", tail(string(out)))
	require.Greater(t, strings.Count(string(out), "\n--- PASS"), 30, "the tests ran:\n%s", tail(string(out)))
}

func tail(s string) string { return s[max(0, len(s)-10_000):] }

func postgres(t *testing.T) *pgtest.Server {
	t.Helper()
	if testing.Short() {
		t.Skip("starts PostgreSQL")
	}
	server, err := pgtest.Start()
	if errors.Is(err, pgtest.ErrMissing) {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	return server
}

// place is where the store that a test calls by a path is in this run.
func place(t testing.TB, path string) string {
	t.Helper()
	base := os.Getenv(onPostgres)
	if base == "" {
		return path
	}
	schema := fmt.Sprintf("s%x", sha256.Sum256([]byte(path)))[:40]
	require.NoError(t, execOn(base, "create schema if not exists "+schema))
	return base + "&search_path=" + schema
}

func execOn(address, statement string) error {
	db, err := sql.Open("pgx", address)
	if err != nil {
		return err
	}
	_, err = db.Exec(statement)
	return errors.Join(err, db.Close())
}

// onlySQLite skips a test of what only a file has.
func onlySQLite(t testing.TB) {
	t.Helper()
	if os.Getenv(onPostgres) != "" {
		t.Skip("is about SQLite's file")
	}
}

func onlyPostgres(t testing.TB) string {
	t.Helper()
	if os.Getenv(onPostgres) == "" {
		t.Skip("is about PostgreSQL")
	}
	return place(t, t.TempDir())
}

func TestAddressesAreShownWithoutSecrets(t *testing.T) {
	const full = "postgres://ann:s3cret@db.example:5432/prediag?sslmode=disable&password=other"
	require.Equal(t, "postgres://db.example:5432/prediag", Location(full))
	require.Equal(t, "data/state.db", Location("data/state.db"))
	require.True(t, Password(full))
	require.Equal(t, "postgres://ann@db.example:5432/prediag?sslmode=disable", Kept(full))
	require.False(t, Password(Kept(full)))
	require.False(t, Password("data/state.db"))
	for _, bad := range []string{"postgres://ann:s3cret@db:port/x", "postgres://ann:s3cret@127.0.0.1:1/x?connect_timeout=1"} {
		_, err := Open(bad, Options{})
		require.Error(t, err)
		require.NotContains(t, err.Error(), "s3cret")
	}
	_, err := Open("postgres://ann@127.0.0.1:1/x?connect_timeout=1", Options{})
	require.ErrorIs(t, err, prediag.ErrNotReady, "nobody listens there")
}

// Both schemas have the same tables with the same columns, as far as one text of SQL needs them.
func TestSchemasAreTheSame(t *testing.T) {
	address := onlyPostgres(t)
	s, err := Open(address, Options{})
	require.NoError(t, err)
	defer s.Close()
	columns := func(s *Store, query string) map[string]bool {
		rows, err := s.reader.QueryContext(t.Context(), query)
		require.NoError(t, err)
		defer rows.Close()
		out := map[string]bool{}
		for rows.Next() {
			var table, column string
			require.NoError(t, rows.Scan(&table, &column))
			out[table+"."+column] = true
		}
		require.NoError(t, rows.Err())
		return out
	}
	have := columns(s, "select table_name, column_name from information_schema.columns where table_schema = current_schema()")
	require.True(t, have["turn.id"])
	delete(have, "turn.id") // SQLite lets one change in at a time by itself
	file, err := openFile(t.TempDir()+"/state.db", Options{})
	require.NoError(t, err)
	defer file.Close()
	require.Equal(t, columns(file, "select m.name, c.name from sqlite_schema m, pragma_table_info(m.name) c where m.type = 'table' and m.name not like 'sqlite_%'"), have)
}

func TestAnotherProgramsTablesAreRefused(t *testing.T) {
	address := onlyPostgres(t)
	require.NoError(t, execOn(address, "create table cases (x integer)"))
	_, err := Open(address, Options{})
	require.ErrorIs(t, err, prediag.ErrInvalid)
	require.ErrorContains(t, err, "another program")
}

func TestADatabaseThatRefusesSaysSo(t *testing.T) {
	address := onlyPostgres(t)
	u, err := url.Parse(address)
	require.NoError(t, err)
	u.Path = "/nosuch"
	_, err = Open(u.String(), Options{})
	require.ErrorIs(t, err, prediag.ErrInvalid)
	require.ErrorContains(t, err, "createdb")
	u, _ = url.Parse(address)
	u.User = url.UserPassword("postgres", "wrong-s3cret")
	_, err = Open(u.String(), Options{})
	require.ErrorIs(t, err, prediag.ErrInvalid)
	require.NotContains(t, err.Error(), "wrong-s3cret")
	_, err = Open(address+"&synchronous_commit=off", Options{})
	require.ErrorContains(t, err, "would lose what it acknowledged")
}

// A text that PostgreSQL cannot hold is refused as the caller's fault, by name.
func TestNulInAnID(t *testing.T) {
	address := onlyPostgres(t)
	s, err := Open(address, Options{})
	require.NoError(t, err)
	defer s.Close()
	_, err = s.Record(t.Context(), key("a\x00b"), diagnosis(1))
	require.ErrorIs(t, err, prediag.ErrInvalid)
	_, err = s.Record(t.Context(), key("\xff"), diagnosis(1))
	require.ErrorIs(t, err, prediag.ErrInvalid)
	_, err = s.Record(t.Context(), key("c"), diagnosis(1))
	require.NoError(t, err)
}

// TestServerRestarts ends the server under an open store: calls fail while it is away, as ones to be repeated, and go on
// once it is back, with everything that was acknowledged.
func TestServerRestarts(t *testing.T) {
	if os.Getenv(onPostgres) != "" {
		t.Skip("has a server of its own")
	}
	server := postgres(t)
	t.Setenv("PGPASSWORD", pgtest.Password)
	s, err := Open(server.URL("postgres"), Options{})
	require.NoError(t, err)
	defer s.Close()
	record(t, s, withCase(1, "network", "L1", 1))
	require.NoError(t, server.Stop())
	_, err = s.Record(t.Context(), key("2"), withCase(2, "network", "L1", 1))
	require.ErrorIs(t, err, prediag.ErrNotReady)
	_, err = s.Case(t.Context(), "c000001")
	require.ErrorIs(t, err, prediag.ErrNotReady)
	_, err = s.Acquire(t.Context(), "builder", "a", 1e9)
	require.ErrorIs(t, err, prediag.ErrNotReady)
	require.NoError(t, server.Run())
	for range 2 * (writers + readers) { // connections that were open may fail once each
		if _, err = s.Record(t.Context(), key("2"), withCase(2, "network", "L1", 1)); err == nil {
			break
		}
		require.ErrorIs(t, err, prediag.ErrNotReady)
	}
	require.NoError(t, err)
	for range 2 * readers {
		if _, err = s.Case(t.Context(), "c000001"); err == nil {
			break
		}
	}
	require.NoError(t, err, "what was acknowledged is there")
}
