package classifier

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"prediag"
)

// A folder of versions holds "versions", with a model's folder for each, and the file "current", which names the one to
// load. A version is complete on disk before current names it, and never changes; so a reader finds a whole model at any
// moment, and falling back is one rename.
const (
	currentName  = "current"
	versionsName = "versions"
)

// keptVersions is how many models a folder keeps, the current one among them.
const keptVersions = 3

// StoredVersion is one model in a folder of versions.
type StoredVersion struct {
	Version string    `json:"version"`
	Current bool      `json:"current"`
	Stored  time.Time `json:"stored"` // when it was put in
	Bytes   int64     `json:"bytes"`
}

// Publish puts the model into dir as its current version, on disk before it returns; the versions before stay for
// falling back, three in all. A model that Save wrote to dir becomes the version before. A dir that holds anything else
// is refused with ErrInvalid.
func Publish(dir string, m *Model) error {
	if m == nil || len(m.heads) == 0 {
		return notTrained()
	}
	if err := checkFolder(dir); err != nil {
		return err
	}
	if err := adopt(dir); err != nil {
		return err
	}
	folder := versionFolder(dir, m.Version())
	if _, err := Load(folder); err != nil { // not there yet, or damaged
		if err := os.RemoveAll(folder); err != nil {
			return fmt.Errorf("publish model: %w", err)
		}
		if err := m.Save(folder); err != nil {
			return err
		}
	}
	if err := touch(folder); err != nil {
		return err
	}
	if err := point(dir, m.Version()); err != nil {
		return err
	}
	return errors.Join(dropFlat(dir), prune(dir))
}

// touch makes a version the newest one of its folder.
func touch(folder string) error {
	if err := os.Chtimes(filepath.Join(folder, manifestName), time.Time{}, time.Now()); err != nil {
		return fmt.Errorf("publish model: %w", err)
	}
	return nil
}

// checkFolder refuses a folder that holds something else than versions or a model.
func checkFolder(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, versionsName)); err == nil {
		return nil
	}
	return checkTarget(dir)
}

// adopt makes a version of the model that Save wrote to dir itself. Readers find it there until current names another.
func adopt(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, manifestName)); err != nil {
		return nil // there is none
	}
	m, err := loadFlat(dir)
	if err != nil {
		return nil // damaged: not worth keeping
	}
	return m.Save(versionFolder(dir, m.Version()))
}

// dropFlat removes the files of a model that Save wrote to dir itself, and nothing else.
func dropFlat(dir string) error {
	data, err := readFile(filepath.Join(dir, manifestName), maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var man manifest
	if err == nil {
		err = json.Unmarshal(data, &man)
	}
	if err != nil {
		return fmt.Errorf("remove the model before: %w", err)
	}
	for _, name := range append(slices.Sorted(maps.Keys(man.Files)), manifestName) {
		if err := os.Remove(filepath.Join(dir, filepath.Base(name))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the model before: %w", err)
		}
	}
	return nil
}

func versionFolder(dir, version string) string { return filepath.Join(dir, versionsName, version) }

// point makes a version the current one, by one rename.
func point(dir, version string) error {
	temp, err := os.MkdirTemp(dir, ".current-")
	if err != nil {
		return fmt.Errorf("publish model: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }() // nothing is left of it when the rename was done
	file := filepath.Join(temp, currentName)
	if err := writeFile(file, []byte(version+"\n")); err != nil {
		return fmt.Errorf("publish model: %w", err)
	}
	if err := os.Rename(file, filepath.Join(dir, currentName)); err != nil {
		return fmt.Errorf("publish model: %w", err)
	}
	return syncDir(dir)
}

// current reads which version is current; fs.ErrNotExist when dir is no folder of versions.
func current(dir string) (string, error) {
	raw, err := readFile(filepath.Join(dir, currentName), 64)
	if err != nil {
		return "", err
	}
	version := strings.TrimSpace(string(raw))
	if len(version) != 12 || strings.Trim(version, "0123456789abcdef") != "" {
		return "", fmt.Errorf("names no version: %q", version)
	}
	return version, nil
}

// resolve is the folder of the model that Load is to read.
func resolve(dir string) (string, error) {
	version, err := current(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return dir, nil
	}
	if err != nil {
		return "", damaged(dir, currentName, err)
	}
	return versionFolder(dir, version), nil
}

// Versions lists the models of a folder, the newest first. A folder that Save wrote has one.
func Versions(dir string) ([]StoredVersion, error) {
	now, err := current(dir)
	if errors.Is(err, fs.ErrNotExist) {
		m, err := loadFlat(dir)
		if err != nil {
			return nil, err
		}
		v, err := stored(dir, m.Version())
		v.Current = true
		return []StoredVersion{v}, err
	}
	if err != nil {
		return nil, damaged(dir, currentName, err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, versionsName))
	if err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}
	var list []StoredVersion
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") { // being written
			continue
		}
		v, err := stored(versionFolder(dir, e.Name()), e.Name())
		if err != nil {
			return nil, err
		}
		v.Current = v.Version == now
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b StoredVersion) int {
		if c := b.Stored.Compare(a.Stored); c != 0 {
			return c
		}
		return strings.Compare(a.Version, b.Version)
	})
	return list, nil
}

func stored(folder, version string) (StoredVersion, error) {
	v := StoredVersion{Version: version}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return v, fmt.Errorf("list models: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return v, fmt.Errorf("list models: %w", err)
		}
		if e.Name() == manifestName {
			v.Stored = info.ModTime()
		}
		v.Bytes += info.Size()
	}
	return v, nil
}

// Rollback makes a stored version current again; an empty version means the newest one before the current one. The
// version is checked whole before it counts. It returns the version that is current afterwards. ErrNotFound when there
// is no such version, ErrDamaged when it is damaged; then nothing changes.
func Rollback(dir, version string) (string, error) {
	list, err := Versions(dir)
	if err != nil {
		return "", err
	}
	at := slices.IndexFunc(list, func(v StoredVersion) bool { return v.Version == version })
	if version == "" {
		at = slices.IndexFunc(list, func(v StoredVersion) bool { return v.Current }) + 1
	}
	if at < 0 || at >= len(list) {
		return "", &prediag.Error{Kind: prediag.ErrNotFound, Reason: "MODEL_VERSION_NOT_FOUND", Message: fmt.Sprintf(
			"no model %sbefore the current one in %q: prediag model list shows what is there", named(version), dir)}
	}
	chosen := list[at]
	if chosen.Current {
		return chosen.Version, nil
	}
	if _, err := loadFlat(versionFolder(dir, chosen.Version)); err != nil {
		return "", err
	}
	return chosen.Version, point(dir, chosen.Version)
}

// leftover is the age from which on a version that is being written is one that never will be.
const leftover = 24 * time.Hour

// prune removes the oldest versions over those that are kept, and what a crash left; the current one always stays.
func prune(dir string) error {
	halves, err := filepath.Glob(filepath.Join(dir, versionsName, ".*"))
	if err != nil {
		return fmt.Errorf("remove an old model: %w", err)
	}
	for _, h := range halves {
		if info, err := os.Stat(h); err == nil && time.Since(info.ModTime()) > leftover {
			if err := os.RemoveAll(h); err != nil {
				return fmt.Errorf("remove an old model: %w", err)
			}
		}
	}
	list, err := Versions(dir)
	if err != nil {
		return err
	}
	kept := 1 // the current one
	for _, v := range list {
		if v.Current {
			continue
		}
		if kept++; kept > keptVersions {
			if err := os.RemoveAll(versionFolder(dir, v.Version)); err != nil {
				return fmt.Errorf("remove an old model: %w", err)
			}
		}
	}
	return nil
}

// named quotes a name for a message, with a space behind it; empty for none.
func named(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf("%q ", name)
}
