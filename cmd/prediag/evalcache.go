package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"prediag/eval"
)

// cacheFlags say where results of single items are kept.
type cacheFlags struct {
	dir string
	off bool
}

func (f *cacheFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.dir, "cache", "", "folder of the results of single items, so that a stopped run goes on (default: prediag/eval in the user's folder of caches)")
	c.Flags().BoolVar(&f.off, "no-cache", false, "ask for every item anew, and keep none")
}

// openCache opens the results of items that depend on the parts, and on this very program. Without --cache it is only a
// help: where there is no place for it the measurement goes on without.
func (a *app) openCache(f cacheFlags, parts ...string) (*eval.Cache, error) {
	if f.off {
		return nil, nil
	}
	dir := f.dir
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return nil, nil
		}
		dir = filepath.Join(base, "prediag", "eval")
	}
	program, err := programHash()
	if err != nil {
		return nil, nil
	}
	cache, err := eval.OpenCache(dir, eval.CacheKey(append([]string{program}, parts...)...))
	if err != nil && f.dir == "" {
		a.note("note: no results of single items are kept: %v", err)
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("--cache %q: %w", f.dir, err)
	}
	return cache, nil
}

// closeCache tells what came out of the cache, and of a run that was stopped what it keeps.
func (a *app) closeCache(ctx context.Context, cache *eval.Cache) {
	hits, stored := cache.Used()
	if err := cache.Close(); err != nil {
		a.note("note: not all results of single items were kept: %v", err)
	}
	switch {
	case ctx.Err() != nil && hits+stored > 0:
		a.note("stopped: the results of %d items are kept, the same call goes on from there", hits+stored)
	case hits > 0:
		a.note("%d results were there from an earlier call, latencies included; %d are new (--no-cache asks anew)", hits, stored)
	}
}

// programHash names the program by its own file: any other build may give other results.
func programHash() (sum string, err error) {
	file, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(filepath.Clean(file))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// stateOf names the state of a file that is too large to be read, or "" where there is none.
func stateOf(file string) string {
	info, err := os.Stat(file)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano())
}
