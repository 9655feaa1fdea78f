package review

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
)

//go:embed migrations/*/*.sql
var migrations embed.FS

// migrate brings the database to the newest version and reports whether that changed it. Migration number n is the n-th
// file in the order of the names; a file is never changed once released.
func (s *Store) migrate(ctx context.Context, q querier, path string) (bool, error) {
	files, err := fs.Glob(migrations, s.sql.migrations+"/*.sql")
	if err != nil {
		return false, err
	}
	var have int
	if _, err := q.ExecContext(ctx, "create table if not exists schema_version (version bigint not null)"); err != nil {
		return false, err
	}
	if err := q.QueryRowContext(ctx, "select coalesce(max(version), 0) from schema_version").Scan(&have); err != nil {
		return false, err
	}
	if have > len(files) {
		return false, newer(path, have, len(files))
	}
	for n := have; n < len(files); n++ {
		if err := applyMigration(ctx, q, files[n], n+1); err != nil {
			return false, err
		}
	}
	return have < len(files), nil
}

func applyMigration(ctx context.Context, q querier, file string, version int) error {
	text, err := migrations.ReadFile(file)
	if err != nil {
		return err
	}
	if _, err := q.ExecContext(ctx, string(text)); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	_, err = q.ExecContext(ctx, "insert into schema_version (version) values ($1)", version)
	return err
}

// checkVersion refuses a database of another version, for those who cannot migrate it.
func (s *Store) checkVersion(ctx context.Context, q querier, path string) error {
	files, err := fs.Glob(migrations, s.sql.migrations+"/*.sql")
	if err != nil {
		return err
	}
	var have int
	if err := q.QueryRowContext(ctx, "select coalesce(max(version), 0) from schema_version").Scan(&have); err != nil {
		return err
	}
	switch {
	case have > len(files):
		return newer(path, have, len(files))
	case have < len(files):
		return invalid("STATE_OLDER", "", "the state database %q has version %d and this program reads version %d; start the service once with this program, which brings it up to date", path, have, len(files))
	}
	return nil
}

func newer(path string, have, known int) error {
	return invalid("STATE_NEWER", "", "the state database %q has version %d and this program knows up to %d; use the newer program", path, have, known)
}
