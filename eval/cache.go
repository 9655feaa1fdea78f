package eval

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Cache keeps on disk what was found out about single items, so that a run that was stopped goes on where it was, and a
// run that is repeated is done at once. What it gives back is the same to the bit, latencies included. Items that failed
// are not kept: they are tried again. A nil cache keeps nothing.
//
// One file holds all items of one key, a line each with its checksum; a line that was torn or damaged counts as absent.
// Every item is written as soon as it is known, so that a killed process loses none but the one at work.
type Cache struct {
	mu     sync.Mutex
	file   *os.File
	known  map[string]string // item → JSON
	size   int64
	hits   int
	stored int
	err    error // the first that writing gave; nothing is kept from then on
}

// Limits of a folder of caches.
const (
	cacheFolderBytes = 512 << 20 // of all files; the ones not used for longest are removed
	cacheFileBytes   = 256 << 20 // of one file; what is over it is not kept
	cacheSuffix      = ".items"
)

// CacheKey names everything that the items of a run depend on beside themselves: the program, the model, the index, the
// policy, the settings. Any other value gives another key.
func CacheKey(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// OpenCache opens the items of one key in a folder, which is made where it does not exist, and removes the files that
// were not used for longest when the folder is over 512 MiB.
func OpenCache(dir, key string) (*Cache, error) {
	if key == "" || strings.ContainsFunc(key, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
		return nil, fmt.Errorf("cache: the key %q is not one of CacheKey", key)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	name := key + cacheSuffix
	if err := pruneCache(dir, name, cacheFolderBytes); err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	c := &Cache{file: f, known: map[string]string{}}
	if err := c.load(); err != nil {
		return nil, fmt.Errorf("cache: %w", errors.Join(err, f.Close()))
	}
	now := time.Now()
	_ = os.Chtimes(f.Name(), now, now) // says only which file was used last
	return c, nil
}

// load reads the lines that are whole.
func (c *Cache) load() error {
	scanner := bufio.NewScanner(c.file)
	scanner.Buffer(make([]byte, 0, 1<<16), maxLineBytes)
	for scanner.Scan() {
		c.size += int64(len(scanner.Bytes())) + 1
		if item, value, ok := parseCacheLine(scanner.Text()); ok {
			c.known[item] = value
		}
	}
	if err := scanner.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) {
		return err
	}
	info, err := c.file.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	c.size = info.Size()
	last := make([]byte, 1)
	if _, err := c.file.ReadAt(last, info.Size()-1); err != nil || last[0] == '\n' {
		return err
	}
	_, err = c.file.WriteString("\n") // closes a line that was torn
	return err
}

func cacheLine(item, value string) string {
	return fmt.Sprintf("%s %08x %s\n", item, crc32.ChecksumIEEE([]byte(item+value)), value)
}

// parseCacheLine is the inverse of cacheLine; ok is false for anything else.
func parseCacheLine(line string) (item, value string, ok bool) {
	item, rest, ok1 := strings.Cut(line, " ")
	sum, value, ok2 := strings.Cut(rest, " ")
	ok = ok1 && ok2 && item != "" && cacheLine(item, value) == item+" "+sum+" "+value+"\n"
	return item, value, ok
}

// get reads an item's value; false when it is not there.
func (c *Cache) get(item string, value any) bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	raw, ok := c.known[item]
	c.mu.Unlock()
	if !ok || json.Unmarshal([]byte(raw), value) != nil {
		return false
	}
	c.mu.Lock()
	c.hits++
	c.mu.Unlock()
	return true
}

// put keeps an item's value. A value that JSON cannot hold is not kept.
func (c *Cache) put(item string, value any) {
	if c == nil {
		return
	}
	raw, err := json.Marshal(value)
	if err != nil || len(raw) > maxLineBytes/2 {
		return
	}
	line := cacheLine(item, string(raw))
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, twice := c.known[item]; twice || c.err != nil || c.size+int64(len(line)) > cacheFileBytes {
		return
	}
	if _, err := c.file.WriteString(line); err != nil {
		c.err = err
		return
	}
	c.known[item] = string(raw)
	c.size += int64(len(line))
	c.stored++
}

// Used says how many items came out of the cache, and how many were put into it.
func (c *Cache) Used() (hits, stored int) {
	if c == nil {
		return 0, 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hits, c.stored
}

// Close ends the cache. The error is the first that keeping an item gave; the measurement does not depend on it.
func (c *Cache) Close() error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := cmp.Or(c.err, c.file.Close()); err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	return nil
}

// pruneCache removes the files that were not used for longest, but the one to be kept, until the others fit the limit.
func pruneCache(dir, keep string, limit int64) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var files []fs.FileInfo
	var total int64
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() && strings.HasSuffix(e.Name(), cacheSuffix) && e.Name() != keep {
			files = append(files, info)
			total += info.Size()
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, f := range files {
		if total <= limit {
			return nil
		}
		if err := os.Remove(filepath.Join(dir, f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		total -= f.Size()
	}
	return nil
}

// itemKey names an item's content and what is asked of it.
func itemKey(parts ...any) (string, error) {
	raw, err := json.Marshal(parts)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16]), nil
}

// remembered gives what is known of an item, or asks for it and keeps the answer. An error is not kept.
func remembered[T any](c *Cache, ask func() (T, error), parts ...any) (T, error) {
	if c == nil {
		return ask()
	}
	key, err := itemKey(parts...)
	if err != nil {
		return ask()
	}
	var value T
	if c.get(key, &value) {
		return value, nil
	}
	value, err = ask()
	if err == nil {
		c.put(key, value)
	}
	return value, err
}
