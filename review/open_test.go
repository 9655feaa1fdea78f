package review

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"prediag"
)

func TestReopenKeepsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder with ?#% 名", "state.db")
	s, err := Open(place(t, path), Options{})
	require.NoError(t, err)
	_, err = s.Record(t.Context(), key("a"), withCase(1, "network", "L1", 5))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	_, err = s.Record(t.Context(), key("b"), diagnosis(2))
	require.ErrorIs(t, err, prediag.ErrNotReady, "closed")

	s = openAt(t, path, Options{})
	d, err := s.Diagnosis(t.Context(), "d000001")
	require.NoError(t, err)
	require.Equal(t, withCase(1, "network", "L1", 5), d)
	require.NoError(t, s.Verify(t.Context()))
	onlySQLite(t)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "tickets are for the service's user only")
}

func TestWritesReachTheDisk(t *testing.T) {
	onlySQLite(t)
	s := openStore(t, Options{})
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		require.NoError(t, s.writer.QueryRow("pragma "+pragma).Scan(&got))
		require.Equal(t, want, got, pragma)
	}
	_, err := s.reader.Exec("delete from cases")
	require.Error(t, err, "the readers cannot write")
}

// sampleFile is a closed database with some cases.
func sampleFile(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "state.db")
	s, err := Open(path, Options{})
	require.NoError(t, err)
	for i := range 40 {
		record(t, s, withCase(i, "network", "L1", i))
	}
	require.NoError(t, s.Close())
	return path
}

func TestDamagedFileIsRefused(t *testing.T) {
	onlySQLite(t)
	for name, damage := range map[string]func([]byte) []byte{
		"not a database":      func([]byte) []byte { return []byte("hello, this is some text, longer than a header") },
		"short":               func(b []byte) []byte { return b[:10] },
		"only the header":     func(b []byte) []byte { return b[:100] },
		"half":                func(b []byte) []byte { return b[:len(b)/2/4096*4096] },
		"zeroed schema":       func(b []byte) []byte { clear(b[100:4096]); return b },
		"zeroed page":         func(b []byte) []byte { clear(b[5*4096 : 6*4096]); return b },
		"noise in the middle": func(b []byte) []byte { copy(b[8*4096:], "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8"); return b },
	} {
		t.Run(name, func(t *testing.T) {
			path := sampleFile(t)
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, damage(b), 0o600))
			before, err := os.ReadFile(path)
			require.NoError(t, err)
			_, err = Open(path, Options{})
			require.ErrorIs(t, err, prediag.ErrDamaged)
			require.ErrorContains(t, err, path)
			require.ErrorContains(t, err, "restore it from a backup")
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, before, after, "the evidence stays")
		})
	}
}

func TestEmptyFileBesideALogIsRefused(t *testing.T) {
	onlySQLite(t)
	path := filepath.Join(t.TempDir(), "state.db")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.WriteFile(path+"-wal", []byte("acknowledged"), 0o600))
	_, err := Open(path, Options{})
	require.ErrorIs(t, err, prediag.ErrDamaged)
	require.NoError(t, os.Remove(path+"-wal"))
	openAt(t, path, Options{}) // a creation that was cut off before its first byte
}

func TestFlippedBitInARecordIsNoticed(t *testing.T) {
	s := openStore(t, Options{})
	record(t, s, withCase(1, "network", "L1", 5))
	_, err := s.writer.Exec("update diagnoses set body = replace(body, 'reset it', 'reset It')")
	require.NoError(t, err)
	_, err = s.Diagnosis(t.Context(), "d000001")
	require.ErrorIs(t, err, prediag.ErrDamaged)
	_, err = s.List(t.Context(), prediag.CaseFilter{})
	require.ErrorIs(t, err, prediag.ErrDamaged)
}

func TestNewerAndForeignDatabasesAreRefused(t *testing.T) {
	onlySQLite(t)
	path := sampleFile(t)
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.Exec("insert into schema_version values (99)")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	_, err = Open(path, Options{})
	require.ErrorIs(t, err, prediag.ErrInvalid)
	require.ErrorContains(t, err, "version 99")

	foreign := filepath.Join(t.TempDir(), "other.db")
	db, err = sql.Open("sqlite", foreign)
	require.NoError(t, err)
	_, err = db.Exec("create table diagnoses (x)")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	before, err := os.ReadFile(foreign)
	require.NoError(t, err)
	_, err = Open(foreign, Options{})
	require.ErrorIs(t, err, prediag.ErrInvalid)
	require.ErrorContains(t, err, "another program")
	after, err := os.ReadFile(foreign)
	require.NoError(t, err)
	require.Equal(t, before, after, "another program's file is left alone")
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	onlySQLite(t)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	folders := map[string]string{"under a file": file}
	if os.Geteuid() != 0 { // permissions do not bind root
		folders["read-only"] = filepath.Join(t.TempDir(), "ro")
		require.NoError(t, os.Mkdir(folders["read-only"], 0o500))
	} else if _, err := os.Stat("/sys/kernel"); err == nil { // a file system in which nobody creates files
		folders["read-only"] = "/sys/kernel"
	}
	for name, folder := range folders {
		t.Run(name, func(t *testing.T) {
			_, err := Open(filepath.Join(folder, "state.db"), Options{})
			require.ErrorIs(t, err, prediag.ErrInvalid)
			require.ErrorContains(t, err, folder)
			require.ErrorContains(t, err, "cannot be written")
		})
	}
}

func TestFullDiskRefusesAndRecovers(t *testing.T) {
	onlySQLite(t)
	s := openStore(t, Options{})
	record(t, s, diagnosis(0))
	var pages int
	require.NoError(t, s.writer.QueryRow("pragma page_count").Scan(&pages))
	_, err := s.writer.Exec(fmt.Sprintf("pragma max_page_count = %d", pages+4))
	require.NoError(t, err)
	stored := 0
	for i := 1; err == nil && i < 200; i++ {
		_, err = s.Record(t.Context(), key(fmt.Sprint(i)), withCase(i, "network", "L1", 5))
		if err == nil {
			stored++
		}
	}
	require.ErrorIs(t, err, prediag.ErrOverloaded)
	require.ErrorContains(t, err, "make room")
	require.Equal(t, stored, count(t, s, "select count(*) from cases"))
	require.Equal(t, stored, count(t, s, "select count(*) from requests"))
	_, err = s.writer.Exec("pragma max_page_count = 1000000")
	require.NoError(t, err)
	_, err = s.Record(t.Context(), key(fmt.Sprint(stored+1)), withCase(stored+1, "network", "L1", 5))
	require.NoError(t, err)
}

func TestAnotherProcessHoldsTheLock(t *testing.T) {
	onlySQLite(t)
	path := sampleFile(t)
	s, other := openAt(t, path, Options{BusyWait: 200 * time.Millisecond}), openAt(t, path, Options{})
	tx, err := other.writer.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = s.Diagnosis(t.Context(), "d000001")
	require.NoError(t, err, "readers do not wait for a writer")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = s.Record(ctx, noKey, diagnosis(100))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = s.Record(t.Context(), noKey, diagnosis(100))
	require.ErrorIs(t, err, prediag.ErrOverloaded)
	_, err = Open(path, Options{BusyWait: 50 * time.Millisecond})
	require.ErrorIs(t, err, prediag.ErrLocked)
	time.AfterFunc(20*time.Millisecond, func() { _ = tx.Rollback() })
	_, err = s.Record(t.Context(), noKey, diagnosis(100))
	require.NoError(t, err)
}

func TestEventsAreAppendOnly(t *testing.T) {
	s := openStore(t, Options{})
	record(t, s, diagnosis(1))
	for _, change := range []string{"delete from events", "update events set actor = 'x'"} {
		_, err := s.writer.Exec(change)
		require.ErrorContains(t, err, "append-only")
	}
}

func TestFailureInTheMiddleLeavesNothing(t *testing.T) {
	for _, table := range []string{"diagnoses", "cases", "backlog", "tallies", "events", "requests"} {
		t.Run(table, func(t *testing.T) {
			s := openStore(t, Options{})
			_, err := s.writer.Exec(failingTrigger("insert on " + table))
			require.NoError(t, err)
			_, err = s.Record(t.Context(), key("a"), withCase(1, "network", "L1", 5))
			require.ErrorContains(t, err, "injected")
			_, err = s.writer.Exec(dropTrigger("t", table))
			require.NoError(t, err)
			for _, name := range []string{"diagnoses", "cases", "backlog", "tallies", "events", "requests"} {
				require.Zero(t, count(t, s, "select count(*) from "+name), name)
			}
			_, err = s.Record(t.Context(), key("a"), withCase(1, "network", "L1", 5))
			require.NoError(t, err)
		})
	}
	for _, change := range []string{"update on cases", "insert on examples", "insert on events", "insert on requests", "insert on tallies"} {
		t.Run(change, func(t *testing.T) {
			s := openStore(t, Options{})
			record(t, s, withCase(1, "network", "L1", 5))
			_, err := s.writer.Exec(failingTrigger(change))
			require.NoError(t, err)
			r := prediag.Resolution{Reviewer: "bo", Action: prediag.ActionRejected}
			_, err = s.Resolve(t.Context(), key("a"), "c000001", r)
			require.ErrorContains(t, err, "injected")
			c, err := s.Case(t.Context(), "c000001")
			require.NoError(t, err)
			require.Equal(t, prediag.CaseOpen, c.State)
			require.Zero(t, count(t, s, "select count(*) from examples"))
		})
	}
}

// failingTrigger makes every change of a kind fail, in the words of the database in use.
func failingTrigger(change string) string {
	if os.Getenv(onPostgres) == "" {
		return "create trigger t before " + change + " begin select raise(abort, 'injected'); end"
	}
	return `create or replace function injected() returns trigger language plpgsql as $$ begin raise exception 'injected'; end $$;
		create trigger t before ` + change + " for each row execute function injected()"
}

func dropTrigger(name, table string) string {
	if os.Getenv(onPostgres) == "" {
		return "drop trigger " + name
	}
	return "drop trigger " + name + " on " + table
}
