package kb

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"prediag"
	"prediag/internal/lang"
)

// Articles that are translations of each other have the same group key. A source may state the group. Where it does not,
// the article's ID tells it as addresses tell translated pages on the web (Resnik 1999, "Mining the Web for bilingual
// text"): "docs/zh-cn/disk.md", "docs/disk.zh-cn.md" and "docs/disk.md" differ in the name of the language alone.

// groupKey names the page that an article is a translation of.
func groupKey(a *prediag.Article) string {
	page := "group\x00" + a.Group
	if a.Group == "" {
		page = "id\x00" + lang.WithoutTag(a.ID, a.Language)
	}
	sum := sha256.Sum256([]byte(page))
	return hex.EncodeToString(sum[:8])
}

// parallel are the translations within a generation, found once when a search first needs them.
type parallel struct {
	once   sync.Once
	groups [][]uint32       // documents of each group that has at least two
	of     map[uint32]int32 // group by document
	err    error
	asked  atomic.Bool // once has run, or runs
}

// translations are the groups of documents that are translations of each other.
func (r *reader) translations() (*parallel, error) {
	p := &r.parallel
	p.asked.Store(true)
	p.once.Do(func() { p.groups, p.of, p.err = r.readGroups() })
	return p, p.err
}

// readGroups reads the groups from the index, in the order of their keys.
func (r *reader) readGroups() ([][]uint32, map[uint32]int32, error) {
	members := map[string][]uint32{}
	for i, part := range r.parts {
		err := r.eachTerm(i, fieldGroup, func(key string) error {
			list, err := r.postings(i, fieldGroup, key)
			if err != nil {
				return err
			}
			docs := list.Iterator(false, false, false, nil)
			for {
				posting, err := docs.Next()
				if err != nil || posting == nil {
					return err
				}
				members[key] = append(members[key], uint32(part.base+int(posting.Number())))
			}
		})
		if err != nil {
			return nil, nil, err
		}
	}
	groups, of, err := grouped(members)
	for _, docs := range groups {
		slices.SortFunc(docs, func(x, y uint32) int {
			a, failed := r.id(int(x))
			b, failed2 := r.id(int(y))
			err = errors.Join(err, failed, failed2)
			return strings.Compare(a, b)
		})
	}
	return groups, of, err
}

func grouped(members map[string][]uint32) ([][]uint32, map[uint32]int32, error) {
	var keys []string
	for key, docs := range members {
		if len(docs) > 1 {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	groups, of := make([][]uint32, len(keys)), map[uint32]int32{}
	for i, key := range keys {
		groups[i] = members[key]
		for _, doc := range members[key] {
			of[doc] = int32(i)
		}
	}
	return groups, of, nil
}

// languagesOf is the base language of each document in a group of translations; documents in an unknown one are left out.
func (r *reader) languagesOf(p *parallel) (map[uint32]string, error) {
	out := map[uint32]string{}
	for language := range r.manifest.Languages {
		if language == "" || language == "und" {
			continue
		}
		holders, err := r.holders(fieldLanguage, language)
		if err != nil {
			return nil, err
		}
		for doc := range p.of {
			if holders.has(int(doc)) {
				out[doc] = language
			}
		}
	}
	return out, nil
}
