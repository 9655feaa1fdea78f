package kb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"prediag"
)

// Golden are queries whose answers a maintainer knows. Every new generation must answer enough of them before it serves.
type Golden struct {
	Floor   float64       `yaml:"floor"` // share of the queries that must hold, 0 to 1; left out: 1
	K       int           `yaml:"k"`     // among how many first hits an article must be, 1 to 100; left out: 10
	Queries []GoldenQuery `yaml:"queries"`
}

// GoldenQuery is one of them. It holds when one of the articles is among the first K hits.
type GoldenQuery struct {
	Query     string   `yaml:"query"`
	Articles  []string `yaml:"articles"` // IDs
	K         int      `yaml:"k"`        // left out: that of all
	Languages []string `yaml:"languages"`
	Products  []string `yaml:"products"`
	Audience  []string `yaml:"audience"` // who asks
}

// GoldenResult says how a generation answered.
type GoldenResult struct {
	Queries int             `json:"queries"`
	Held    int             `json:"held"`
	Floor   float64         `json:"floor"`
	Failed  []GoldenFailure `json:"failed,omitempty"` // the first 100
}

// GoldenFailure is a query that did not hold.
type GoldenFailure struct {
	Query  string   `json:"query"`
	Wanted []string `json:"wanted"`
	Found  []string `json:"found"` // the first three
}

const (
	maxGolden        = 10_000
	maxGoldenFailed  = 100
	maxGoldenNamed   = 10 // in an error
	defaultGoldenK   = 10
	maxGoldenFileLen = 8 << 20
)

// ParseGolden reads a file of golden queries. What is wrong with it is one error of kind prediag.ErrInvalid that names file
// and line where they are known, and the remedy.
func ParseGolden(file string, raw []byte) (Golden, error) {
	fault := func(format string, args ...any) (Golden, error) {
		return Golden{}, prediag.Invalid("GOLDEN_INVALID", "golden", fmt.Sprintf("golden queries %s: %s", file, fmt.Sprintf(format, args...)))
	}
	if len(raw) > maxGoldenFileLen {
		return fault("the file has %d bytes, at most %d are read", len(raw), maxGoldenFileLen)
	}
	g := Golden{Floor: 1, K: defaultGoldenK}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&g); err != nil && !errors.Is(err, io.EOF) {
		return fault("%s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	switch {
	case !(g.Floor >= 0 && g.Floor <= 1):
		return fault("floor is %v: it is a share, 0 to 1", g.Floor)
	case len(g.Queries) == 0:
		return fault("there is no query: list them under the key queries, or remove the file")
	case len(g.Queries) > maxGolden:
		return fault("%d queries, at most %d are taken", len(g.Queries), maxGolden)
	}
	for i := range g.Queries {
		q := &g.Queries[i]
		if q.K == 0 {
			q.K = g.K
		}
		switch {
		case strings.TrimSpace(q.Query) == "":
			return fault("query %d is empty: say what is asked", i+1)
		case len(q.Articles) == 0 || slices.Contains(q.Articles, ""):
			return fault("query %d, %q: name the IDs of articles that answer it under the key articles", i+1, q.Query)
		case q.K < 1 || q.K > prediag.MaxPageSize:
			return fault("query %d, %q: k takes 1 to %d", i+1, q.Query, prediag.MaxPageSize)
		}
		if err := validate(q.query()); err != nil {
			return fault("query %d: %s", i+1, err)
		}
	}
	return g, nil
}

func (q *GoldenQuery) query() prediag.Query {
	return prediag.Query{Text: q.Query, Languages: q.Languages, Products: q.Products, Audience: q.Audience, Limit: q.K}
}

// check asks the queries.
func (g Golden) check(ctx context.Context, search func(context.Context, prediag.Query) (prediag.Results, error)) (GoldenResult, error) {
	out := GoldenResult{Queries: len(g.Queries), Floor: g.Floor}
	for i := range g.Queries {
		q := &g.Queries[i]
		found, err := search(ctx, q.query())
		if err != nil {
			return out, fmt.Errorf("golden query %q: %w", q.Query, err)
		}
		var ids []string
		held := false
		for _, h := range found.Hits {
			ids = append(ids, h.ArticleID)
			held = held || slices.ContainsFunc(q.Articles, func(id string) bool { return id == h.ArticleID || slices.Contains(h.Also, id) })
		}
		switch {
		case held:
			out.Held++
		case len(out.Failed) < maxGoldenFailed:
			out.Failed = append(out.Failed, GoldenFailure{Query: q.Query, Wanted: q.Articles, Found: ids[:min(len(ids), 3)]})
		}
	}
	return out, nil
}

// Err is the error of a result under the floor, of kind prediag.ErrConflict; it names the first queries that failed.
func (r GoldenResult) Err() error {
	if r.Queries == 0 || float64(r.Held) >= r.Floor*float64(r.Queries)-1e-9 {
		return nil
	}
	var b strings.Builder
	for i, f := range r.Failed[:min(len(r.Failed), maxGoldenNamed)] {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%q wants %s and finds %s", f.Query, strings.Join(f.Wanted, " or "), foundLine(f.Found))
	}
	if more := r.Queries - r.Held - maxGoldenNamed; more > 0 {
		fmt.Fprintf(&b, "; and %d more", more)
	}
	return &prediag.Error{Kind: prediag.ErrConflict, Reason: "GOLDEN_QUERIES_FAILED", Message: fmt.Sprintf(
		"%d of %d golden queries hold, at least %.4g %% must: the generation before serves on. Mend the source or the queries: %s", r.Held, r.Queries, 100*r.Floor, b.String())}
}

func foundLine(ids []string) string {
	if len(ids) == 0 {
		return "nothing"
	}
	return strings.Join(ids, ", ")
}

// CheckGolden asks the serving generation the queries.
func (k *KB) CheckGolden(ctx context.Context, g Golden) (GoldenResult, error) {
	return g.check(ctx, k.Search)
}
