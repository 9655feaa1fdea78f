package kb

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"prediag"
)

// twinsName is the file of a generation that lists its groups of near twins, one a line, IDs separated by tabs.
const twinsName = "twins.tsv"

// Twins counts the articles of a generation that say the same as another.
type Twins struct {
	Groups int `json:"groups"`
	Exact  int `json:"exact"` // articles beside the first of their group whose letters and digits are the same as its
	Near   int `json:"near"`  // the others beside the first
}

// twinsOf finds the groups of near twins, each in the order of the IDs, its first member standing for the others; a member
// is a twin of the first. Twins have one title: pages made from one template for two subjects, such as starting and
// stopping something, differ in little else. The result depends on the rows alone, not on how they came: it takes time in proportion to their
// number.
//
// Restricted articles come behind all others, so that which of these are twins does not depend on them.
func twinsOf(rows map[string]row, restricted map[string]bool) ([][]string, Twins) {
	ids := make([]string, 0, len(rows))
	for id := range rows {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(x, y string) int {
		switch {
		case restricted[x] && !restricted[y]:
			return 1
		case restricted[y] && !restricted[x]:
			return -1
		}
		return strings.Compare(x, y)
	})
	sketches := make([]sketch, len(ids))
	for i, id := range ids {
		sketches[i] = rows[id].sketch
	}
	u := newUnion(len(ids))
	twins := func(i, j int) bool {
		x, y := rows[ids[i]], rows[ids[j]]
		titled := x.titleKey == y.titleKey && x.titleKey != noTitle
		return x.language == y.language && (titled || x.sketch.same(&y.sketch)) && x.sketch.near(&y.sketch)
	}
	type bucket struct{ first, last int }
	buckets := make(map[uint64]bucket, len(ids))
	for key := -1; key < sketchBands/2; key++ { // the hash of all, then each two bands
		clear(buckets)
		for i := range ids {
			k := sketches[i]
			at := uint64(k.band(max(0, 2*key)))<<16 | uint64(k.band(max(0, 2*key)+1))
			if key < 0 {
				at = 0
				for _, b := range k[:exactBytes] {
					at = at<<8 | uint64(b)
				}
			} else if !k.long() {
				continue
			}
			b, ok := buckets[at]
			if !ok {
				b.first = i
			} else {
				for _, j := range [...]int{b.first, b.last} {
					if twins(i, j) {
						u.join(i, j)
					}
				}
			}
			b.last = i
			buckets[at] = b
		}
	}
	return u.groups(ids, twins, sketches)
}

// union is a forest of disjoint sets.
type union struct{ parent []int }

func newUnion(n int) union {
	u := union{make([]int, n)}
	for i := range u.parent {
		u.parent[i] = i
	}
	return u
}

func (u union) root(i int) int {
	for u.parent[i] != i {
		u.parent[i] = u.parent[u.parent[i]]
		i = u.parent[i]
	}
	return i
}

// join makes one set of two; its root is the least member.
func (u union) join(i, j int) {
	i, j = u.root(i), u.root(j)
	u.parent[max(i, j)] = min(i, j)
}

// groups splits each set so that every member is a twin of the first: nearness is not transitive.
func (u union) groups(ids []string, twins func(i, j int) bool, sketches []sketch) ([][]string, Twins) {
	sets := map[int][]int{}
	var roots []int
	for i := range ids {
		r := u.root(i)
		if r != i && sets[r] == nil {
			sets[r] = []int{r}
			roots = append(roots, r)
		}
		if r != i {
			sets[r] = append(sets[r], i)
		}
	}
	slices.Sort(roots)
	var groups [][]string
	var count Twins
	for _, r := range roots {
		for rest := sets[r]; len(rest) > 1; {
			first, members := rest[0], []string{ids[rest[0]]}
			var left []int
			for _, i := range rest[1:] {
				switch {
				case !twins(first, i):
					left = append(left, i)
					continue
				case sketches[first].same(&sketches[i]):
					count.Exact++
				default:
					count.Near++
				}
				members = append(members, ids[i])
			}
			if len(members) > 1 {
				slices.Sort(members)
				groups = append(groups, members)
			}
			rest = left
		}
	}
	count.Groups = len(groups)
	slices.SortFunc(groups, func(x, y []string) int { return strings.Compare(x[0], y[0]) })
	return groups, count
}

func encodeTwins(groups [][]string) []byte {
	var b bytes.Buffer
	for _, g := range groups {
		for i, id := range g {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(tableEscape.Replace(id))
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// readTwins reads the groups of the generation in dir; none where it has no such file.
func readTwins(dir string) ([][]string, error) {
	raw, err := os.ReadFile(filepath.Join(dir, twinsName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("near twins: %w", err)
	}
	var groups [][]string
	lines := bufio.NewScanner(bytes.NewReader(raw))
	lines.Buffer(nil, len(raw)+1)
	for lines.Scan() {
		g := strings.Split(lines.Text(), "\t")
		if len(g) < 2 {
			return nil, fmt.Errorf("near twins: a group of one: %w", prediag.ErrDamaged)
		}
		for i := range g {
			g[i] = tableUnescape.Replace(g[i])
		}
		groups = append(groups, g)
	}
	return groups, lines.Err()
}

// TwinGroups lists the groups of near twins of a generation in the folder dir: the IDs of each in order, of which the first stands
// for the others in results. An unknown generation is of kind prediag.ErrNotFound.
func TwinGroups(dir string, number uint64) ([][]string, error) {
	folder := filepath.Join(dir, genName(number))
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) || number == 0 {
		return nil, &prediag.Error{Kind: prediag.ErrNotFound, Reason: "GENERATION_NOT_FOUND", Field: "generation",
			Message: fmt.Sprintf("there is no generation %d: prediag kb list shows those that are kept", number)}
	}
	if _, err := servable(folder, number); err != nil {
		return nil, err
	}
	return readTwins(folder)
}

// twin is a member of a group in an open generation.
type twin struct {
	id  string
	doc int
}

// loadTwins reads the groups of an open generation, by the IDs of their members.
func (g *generation) loadTwins() error {
	groups, err := readTwins(g.dir)
	if err != nil || len(groups) == 0 {
		return err
	}
	g.twinOf = map[string][]twin{}
	r := g.reader()
	for _, ids := range groups {
		group := make([]twin, 0, len(ids))
		for _, id := range ids {
			doc, ok, err := r.docOf(id)
			if err != nil {
				return err
			}
			if ok {
				group = append(group, twin{id, doc})
			}
		}
		for _, t := range group {
			g.twinOf[t.id] = group
		}
		g.twins = append(g.twins, group)
	}
	return nil
}

// docOf returns the document of an article.
func (r *reader) docOf(id string) (doc int, ok bool, err error) {
	for i, p := range r.parts {
		list, err := r.postings(i, "_id", id)
		if err != nil {
			return 0, false, err
		}
		posting, err := list.Iterator(false, false, false, nil).Next()
		if err != nil {
			return 0, false, err
		}
		if posting != nil {
			return p.base + int(posting.Number()), true, nil
		}
	}
	return 0, false, nil
}

// nameTwins names in every hit the articles of the set that say nearly the same. None is left out of the ranking for it: which of
// two copies is the right one (the product's own, the newest) is the reader's to say, and a caller that asked for ten knows the IDs of all.
func (g *generation) nameTwins(hits []prediag.Hit, set bitset) {
	for i := range hits {
		for _, t := range g.twinOf[hits[i].ArticleID] {
			if t.id != hits[i].ArticleID && set.has(t.doc) {
				hits[i].Also = append(hits[i].Also, t.id)
			}
		}
	}
}
