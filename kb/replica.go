package kb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"prediag"
)

// Depot is where the generations of a knowledge base are shared between machines: a folder that all of them see, or a
// bucket of an object store. Names have slashes between their parts.
//
// An object becomes visible as a whole or not at all, and a List that begins after a Put has ended shows it. Every call
// ends by itself within a bounded time without progress.
type Depot interface {
	// Put writes an object of size bytes, in place of one that has the name.
	Put(ctx context.Context, name string, r io.ReadSeeker, size int64) error
	// Get reads an object. The error is of kind prediag.ErrNotFound when there is none.
	Get(ctx context.Context, name string) (io.ReadCloser, error)
	// List calls each for every object whose name begins with the prefix, in any order; modified is by the depot's clock.
	List(ctx context.Context, prefix string, each func(name string, size int64, modified time.Time) error) error
	// Delete removes an object; one that is not there is no error.
	Delete(ctx context.Context, name string) error
}

// What a depot holds: the files of the generations and their manifests under the SHA-256 of their content, and pointers to
// manifests. A pointer is never written twice and the greatest one counts, by epoch and then by sequence: so a builder that
// lost its lease cannot replace what a later one published, on any store, without a conditional write.
const (
	blobPrefix  = "blobs/"
	headPrefix  = "heads/"
	freshName   = "refreshed.json"
	headFormat  = 1
	headSuffix  = ".json"
	maxHeadSize = 64 << 10 // bytes
)

// ShareOptions are the settings of a Share. The zero value is usable.
type ShareOptions struct {
	Keep  int           // generations that stay in the depot; 0: 3
	Grace time.Duration // age from which on what no kept generation names is removed; longer than any publication or fetch takes; 0: 6 h
}

// Share keeps a knowledge base the same on several machines: one publishes what it serves, the others fetch it.
type Share struct {
	kb    *KB
	depot Depot
	opt   ShareOptions

	mu     sync.Mutex           // one Publish, Fetch or Sweep at a time
	put    map[string]time.Time // blobs that this process wrote, and when
	filled bool                 // there was a pointer: a depot without any is a share that is not mounted, or another bucket
	told   time.Time            // the Term.Refreshed that this process wrote last
}

// NewShare returns the share of a knowledge base in a depot.
func NewShare(k *KB, depot Depot, opt ShareOptions) *Share {
	if opt.Keep <= 0 {
		opt.Keep = 3
	}
	if opt.Grace <= 0 {
		opt.Grace = 6 * time.Hour
	}
	return &Share{kb: k, depot: depot, opt: opt, put: map[string]time.Time{}}
}

// Term is a builder's right to publish.
type Term struct {
	Authority string                      // who gives out the epochs: those of two authorities cannot be compared
	Epoch     uint64                      // grows with every change of the builder
	Holder    string                      // for humans
	Refreshed time.Time                   // when the builder last found the index to hold what its sources hold; zero: not known
	Valid     func(context.Context) error // asks the authority whether the term still lasts; called last before the pointer is written
}

// Shared says what a Publish or Fetch did.
type Shared struct {
	Generation uint64 // that the depot points to; 0: to none
	Hash       string // of its manifest
	Epoch      uint64 // of who published it
	Holder     string
	Refreshed  time.Time // when a builder last found it to hold what its sources hold; zero: not known
	Files      int       // that travelled
	Bytes      int64     // that travelled
	Changed    bool      // the depot points to another generation (Publish), or another one serves (Fetch)
}

// head is a pointer to a generation.
type head struct {
	Format     int       `json:"format"`
	Authority  string    `json:"authority"`
	Epoch      uint64    `json:"epoch"`
	Sequence   uint64    `json:"sequence"` // within the epoch
	Generation uint64    `json:"generation"`
	Highest    uint64    `json:"highest"`  // greatest number that was ever published
	Hash       string    `json:"hash"`     // the manifest's own checksum
	Manifest   string    `json:"manifest"` // SHA-256 of the manifest's file
	Holder     string    `json:"holder"`
	Published  time.Time `json:"published"` // by the holder's clock, for humans
}

func (h head) name() string {
	return fmt.Sprintf("%s%020d-%020d%s", headPrefix, h.Epoch, h.Sequence, headSuffix)
}

func (h head) shared() Shared {
	return Shared{Generation: h.Generation, Hash: h.Hash, Epoch: h.Epoch, Holder: h.Holder}
}

// parseHeadName is the inverse of name, as far as the name goes.
func parseHeadName(name string) (h head, ok bool) {
	rest, prefixed := strings.CutPrefix(name, headPrefix)
	rest, suffixed := strings.CutSuffix(rest, headSuffix)
	epoch, sequence, cut := strings.Cut(rest, "-")
	var errs [2]error
	h.Epoch, errs[0] = strconv.ParseUint(epoch, 10, 64)
	h.Sequence, errs[1] = strconv.ParseUint(sequence, 10, 64)
	return h, prefixed && suffixed && cut && errors.Join(errs[:]...) == nil && h.name() == name
}

// decodeHead reads a pointer's content and compares it with its name.
func decodeHead(raw []byte, named head) (head, error) {
	var h head
	if err := json.Unmarshal(raw, &h); err != nil {
		return head{}, fmt.Errorf("pointer %q: %w: %w", named.name(), prediag.ErrDamaged, err)
	}
	switch {
	case h.Format > headFormat:
		return head{}, fmt.Errorf("pointer %q has format %d where this program knows %d: use the newer program: %w", named.name(), h.Format, headFormat, prediag.ErrNotReady)
	case h.Format != headFormat || h.Epoch != named.Epoch || h.Sequence != named.Sequence || !isSHA256(h.Manifest) || h.Generation == 0:
		return head{}, fmt.Errorf("pointer %q does not say what its name says: %w", named.name(), prediag.ErrDamaged)
	}
	return h, nil
}

func isSHA256(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == sha256.Size && strings.ToLower(s) == s
}

// listedHead is a pointer as the depot lists it.
type listedHead struct {
	head
	modified time.Time
}

// heads lists the pointers, the newest first, without their content.
func (s *Share) heads(ctx context.Context) ([]listedHead, error) {
	var all []listedHead
	err := s.depot.List(ctx, headPrefix, func(name string, _ int64, modified time.Time) error {
		if h, ok := parseHeadName(name); ok {
			all = append(all, listedHead{h, modified})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the pointers in the depot: %w", err)
	}
	sortHeads(all)
	return all, nil
}

// newest reads the pointer that counts; the zero head when there is none. An unreadable one comes with its place and an
// error.
func (s *Share) newest(ctx context.Context) (head, error) {
	all, err := s.heads(ctx)
	if err != nil {
		return head{}, err
	}
	if len(all) == 0 {
		if s.filled {
			return head{}, fmt.Errorf("the depot held generations and is empty now: see that it is the right one, or start again to fill it: %w", prediag.ErrNotReady)
		}
		return head{}, nil
	}
	s.filled = true
	h, err := s.readHead(ctx, all[0].head)
	if err != nil {
		return all[0].head, err
	}
	return h, nil
}

func (s *Share) readHead(ctx context.Context, named head) (head, error) {
	raw, err := s.fetchSmall(ctx, named.name(), maxHeadSize)
	if err != nil {
		return head{}, err
	}
	return decodeHead(raw, named)
}

// manifestOf reads the manifest that a pointer names, proved.
func (s *Share) manifestOf(ctx context.Context, h head) (*manifest, []byte, error) {
	raw, err := s.fetchSmall(ctx, blobPrefix+h.Manifest, maxManifestBytes)
	if err != nil {
		return nil, nil, err
	}
	if hashOf(raw) != h.Manifest {
		return nil, nil, fmt.Errorf("manifest of generation %d in the depot is not what its name says: %w", h.Generation, prediag.ErrDamaged)
	}
	m, err := decodeManifest(raw)
	if err != nil {
		return nil, nil, err
	}
	if m.Number != h.Generation || m.Sum != h.Hash {
		return nil, nil, fmt.Errorf("manifest in the depot is of generation %d where the pointer says %d: %w", m.Number, h.Generation, prediag.ErrDamaged)
	}
	return m, raw, nil
}

// fetchSmall reads an object of at most limit bytes.
func (s *Share) fetchSmall(ctx context.Context, name string, limit int64) ([]byte, error) {
	r, err := s.depot.Get(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("get %q: %w", name, err)
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("get %q: %w", name, err)
	case int64(len(raw)) > limit:
		return nil, fmt.Errorf("%q in the depot has more than %d bytes: %w", name, limit, prediag.ErrDamaged)
	}
	return raw, nil
}

func hashOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

func (s *Share) putBytes(ctx context.Context, name string, raw []byte) error {
	if err := s.depot.Put(ctx, name, bytes.NewReader(raw), int64(len(raw))); err != nil {
		return fmt.Errorf("put %q: %w", name, err)
	}
	return nil
}

// freshness is what replicas cannot know by themselves: that a refresh found nothing new.
type freshness struct {
	Refreshed time.Time `json:"refreshed"`
}

// tellFresh writes when the last good refresh was. A former builder may write an older time over it until its lease is
// seen to be over, which makes the index look older than it is, and never newer.
func (s *Share) tellFresh(ctx context.Context, at time.Time) error {
	if !at.After(s.told) {
		return nil
	}
	raw, err := json.Marshal(freshness{at.UTC()})
	if err != nil {
		return err
	}
	if err := s.putBytes(ctx, freshName, raw); err != nil {
		return err
	}
	s.told = at
	return nil
}

// readFresh is when the last good refresh was; zero when nobody said.
func (s *Share) readFresh(ctx context.Context) (time.Time, error) {
	raw, err := s.fetchSmall(ctx, freshName, maxHeadSize)
	if errors.Is(err, prediag.ErrNotFound) {
		return time.Time{}, nil
	}
	var f freshness
	if err != nil || json.Unmarshal(raw, &f) != nil {
		return time.Time{}, err // what cannot be understood says nothing
	}
	return f.Refreshed, nil
}

// Empty reports whether nothing was ever published into the depot.
func (s *Share) Empty(ctx context.Context) (bool, error) {
	all, err := s.heads(ctx)
	return len(all) == 0, err
}
