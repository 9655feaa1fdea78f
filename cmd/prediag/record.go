package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"prediag/review"
)

// recordVariable names the state of record for serve where no flag does; unlike the command line, other users cannot read
// it.
const recordVariable = "PREDIAG_STATE"

// recordFile remembers which state of record the data folder's service uses, so that other commands find it.
func (d dataDir) recordFile() string { return filepath.Join(string(d), "state") }

// record is where the state of record of the data folder is: what the last serve was given, or the folder's own file.
func (d dataDir) record() (string, error) {
	raw, err := os.ReadFile(d.recordFile())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return d.state(), nil
	case err != nil:
		return "", fmt.Errorf("where the state of record is: %w", err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// withRecord opens the state of record for a command, which has the data folder to itself until use has returned.
func (d dataDir) withRecord(command string, opt review.Options, use func(*review.Store) error) (err error) {
	if err := d.exists(); err != nil {
		return err
	}
	held, err := d.hold(command)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.release()) }()
	where, err := d.record()
	if err != nil {
		return err
	}
	store, err := review.Open(where, opt)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return use(store)
}

// useRecord says where the state of record is, which serve was told by --state or the environment, and remembers it without
// a password.
func (d dataDir) useRecord(flag string) (string, error) {
	if review.Password(flag) {
		return "", usageError{errors.New("--state with a password can be read in the list of processes: give it as " + recordVariable +
			", or the password alone in PGPASSWORD or in the file that PGPASSFILE names")}
	}
	where := cmp.Or(flag, os.Getenv(recordVariable))
	if where == "" {
		return d.record()
	}
	if !review.IsPostgres(where) {
		abs, err := filepath.Abs(where)
		if err != nil {
			return "", err
		}
		where = abs
	}
	return where, writeFile(d.recordFile(), []byte(review.Kept(where)+"\n"))
}

// ownRecord reports whether a state of record is the data folder's own, which no other service uses.
func (d dataDir) ownRecord(where string) bool { return where == d.state() }
