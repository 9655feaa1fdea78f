package eval

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"prediag"
)

// publisherBase is where the files of a repository at a commit are read from.
const publisherBase = "https://raw.githubusercontent.com"

// FetchSet downloads a set into a data folder: the publisher's files at the commit of the list, brought into the form
// that all sets have here. The set's folder appears as a whole, after the SHA-256 of the examples of every part was found
// to be that of the list. A mirror, where given, stands in for the publisher's host. A set that cannot be downloaded is of
// kind ErrInvalid and says why; one that is there already of kind ErrConflict; other examples of kind ErrDamaged.
func FetchSet(ctx context.Context, f Fetcher, s Set, dataDir, mirror string) error {
	if s.Download == nil {
		return prediag.Invalid("NOT_DOWNLOADABLE", "set", fmt.Sprintf("%s cannot be downloaded: %s; copy its folder to %s (source: %s)", s.Path, s.WhyNot, filepath.Join(dataDir, s.Path), s.Source))
	}
	target := filepath.Join(dataDir, filepath.FromSlash(s.Path))
	if _, err := os.Stat(target); err == nil {
		return &prediag.Error{Kind: prediag.ErrConflict, Reason: "SET_THERE", Message: fmt.Sprintf("%s is there already; remove it to download it anew", target)}
	}
	raw := filepath.Join(dataDir, ".download", s.base())
	parts, err := fetchParts(ctx, f, s, raw, mirror)
	if err != nil {
		return err
	}
	for _, part := range slices.Sorted(maps.Keys(parts)) {
		if got := ContentHash(parts[part]); got != s.Content[part] {
			return errors.Join(fmt.Errorf("%s: the %s part is not the one of the list: %d examples, SHA-256 %s, want %s; it is not kept: %w",
				s.Path, part, len(parts[part]), got, s.Content[part], prediag.ErrDamaged), os.RemoveAll(raw))
		}
	}
	if err := placeSet(parts, target); err != nil {
		return fmt.Errorf("%s: %w", s.Path, err)
	}
	return os.RemoveAll(raw)
}

// fetchParts downloads the files and converts them.
func fetchParts(ctx context.Context, f Fetcher, s Set, raw, mirror string) (map[string][]SetRecord, error) {
	source, err := url.Parse(s.Source)
	if err != nil || s.Commit == "" {
		return nil, prediag.Invalid("SETS_INVALID", "sets", fmt.Sprintf("the set %s has no source with a commit", s.Path))
	}
	base := publisherBase
	if mirror != "" {
		base = strings.TrimSuffix(mirror, "/")
	}
	parts := map[string][]SetRecord{}
	for _, part := range slices.Sorted(maps.Keys(s.Download.Files)) {
		var files [][]byte
		for _, name := range s.Download.Files[part] {
			if !filepath.IsLocal(filepath.FromSlash(name)) {
				return nil, prediag.Invalid("SETS_INVALID", "sets", fmt.Sprintf("the set %s names the file %.80q, which leaves its folder", s.Path, name))
			}
			file := filepath.Join(raw, filepath.FromSlash(name))
			if err := f.File(ctx, base+path.Join("/", source.Path, s.Commit, name), file); err != nil {
				return nil, err
			}
			content, err := os.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("fetch: %w", err)
			}
			files = append(files, content)
		}
		if parts[part], err = s.Convert(part, files); err != nil {
			return nil, errors.Join(err, os.RemoveAll(raw))
		}
	}
	return parts, nil
}

// placeSet writes the parts beside the target and makes them appear by one rename.
func placeSet(parts map[string][]SetRecord, target string) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(target), ".new-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // nothing is left of it when the rename was done
	files := map[string][]byte{}
	for part, records := range parts {
		var b bytes.Buffer
		if err := WriteRecords(&b, records); err != nil {
			return err
		}
		files[part+".jsonl.gz"] = b.Bytes()
	}
	if err := writeFiles(tmp, files); err != nil {
		return err
	}
	if err := os.Rename(tmp, target); err != nil {
		return err
	}
	return syncDir(filepath.Dir(target))
}
