package kb

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"prediag"
)

const (
	maxResultBytes = 8 << 20 // of each half of a resultCache, estimated
	resultBytes    = 512     // of a result or hit without its texts
)

// resultKey names a query: the hash of everything that it says.
type resultKey [sha256.Size]byte

// resultCache keeps the last results of a generation, in two halves as termCache does. Pages of one list, tickets that are
// sent again and the same question of many people at once are answered from it.
type resultCache struct {
	mu        sync.Mutex
	hot, cold map[resultKey]prediag.Results
	bytes     int // of the hot half
}

// keyOf is the key of a query on a day. White space at the ends and the order of filters make no difference.
func keyOf(q prediag.Query, day string) (resultKey, error) {
	q.Text = strings.TrimSpace(q.Text)
	if q.Limit == 0 {
		q.Limit = defaultLimit
	}
	for _, list := range []*[]string{&q.Languages, &q.Products, &q.Kinds, &q.Categories, &q.Audience} {
		*list = slices.Clone(*list)
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	data, err := json.Marshal(struct {
		prediag.Query
		Day string // the ages of articles are counted in days
	}{q, day})
	return sha256.Sum256(data), err
}

// get returns the results of a query. Their hits are the caller's, what these point to is shared.
func (c *resultCache) get(key resultKey) (prediag.Results, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.hot[key]
	if !ok {
		if r, ok = c.cold[key]; ok {
			delete(c.cold, key)
			c.put(key, r)
		}
	}
	r.Hits, r.Facets = slices.Clone(r.Hits), slices.Clone(r.Facets)
	return r, ok
}

func (c *resultCache) set(key resultKey, r prediag.Results) {
	r.Hits, r.Facets = slices.Clone(r.Hits), slices.Clone(r.Facets)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.hot[key]; !ok {
		c.put(key, r)
	}
}

func (c *resultCache) put(key resultKey, r prediag.Results) {
	if c.hot == nil || c.bytes > maxResultBytes {
		c.cold, c.hot, c.bytes = c.hot, map[resultKey]prediag.Results{}, 0
	}
	c.hot[key] = r
	c.bytes += sizeOf(r)
}

// sizeOf estimates the memory of results.
func sizeOf(r prediag.Results) int {
	n := resultBytes
	for _, h := range r.Hits {
		n += resultBytes + len(h.ArticleID) + len(h.Title) + len(h.URL)
		for _, p := range h.Passages {
			n += len(p.Text) + len(p.Heading)
		}
		for _, c := range h.Codes {
			n += resultBytes + len(c.Message) + len(c.Meaning) + len(c.Solution)
		}
	}
	return n
}
