package review

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"prediag"
)

// maxPageBytes bounds the stored bytes of one page: a page ends with the record that passes it.
const maxPageBytes = 4 << 20

// List returns one page of the cases that the filter selects, by priority, deadline and ID.
//
// That order never changes for a case, so pages neither repeat nor miss one that stays selected. A page may be shorter
// than the limit for its size; the last one has no Next. The error is of kind ErrInvalid for a filter out of its bounds.
func (s *Store) List(ctx context.Context, f prediag.CaseFilter) (page prediag.CasePage, err error) {
	sel, err := newSelection(f)
	if err != nil {
		return prediag.CasePage{}, err
	}
	err = s.read(ctx, "list cases", func(q querier) error {
		now := s.opt.Now()
		rows, err := sel.rows(ctx, q, now)
		if err != nil {
			return err
		}
		if page, err = loadPage(ctx, q, rows, sel.limit, now); err != nil {
			return err
		}
		page.Open, err = countOpen(ctx, q, f.Queue, f.Tier, now)
		return err
	})
	if err != nil {
		return prediag.CasePage{}, err
	}
	return page, nil
}

// selection is a checked filter.
type selection struct {
	filter                  prediag.CaseFilter
	open, claimed, resolved bool
	after                   *position
	limit                   int
}

func newSelection(f prediag.CaseFilter) (selection, error) {
	sel := selection{filter: f, limit: f.Limit}
	if f.Limit < 0 || f.Limit > 500 {
		return sel, invalid("LIMIT_OUT_OF_RANGE", "limit", "the limit %d is not within 0 and 500", f.Limit)
	}
	if f.Limit == 0 {
		sel.limit = 50
	}
	for _, st := range f.States {
		switch st {
		case prediag.CaseOpen:
			sel.open = true
		case prediag.CaseClaimed:
			sel.claimed = true
		case prediag.CaseResolved:
			sel.resolved = true
		default:
			return sel, invalid("STATE_UNKNOWN", "states", "the state %.64q is not known; use OPEN, CLAIMED or RESOLVED", st)
		}
	}
	if len(f.States) == 0 {
		sel.open, sel.claimed = true, true
	}
	if f.After == "" {
		return sel, nil
	}
	at, err := parsePosition(f.After)
	sel.after = &at
	return sel, err
}

// rows reads one row more than the limit, when there is one. Waiting and resolved cases come from two walks along an
// index, which are merged: one walk over both would have to sort them.
func (sel selection) rows(ctx context.Context, q querier, now time.Time) ([]row, error) {
	var out []row
	if sel.open || sel.claimed {
		w := sel.where(false)
		switch {
		case !sel.claimed:
			w.and("+lease_until <= ?", micros(now))
		case !sel.open:
			w.and("lease_until > ?", micros(now)) // few: as many as there are reviewers
		}
		rows, err := queryRows(ctx, q, w, sel.limit+1)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	if sel.resolved {
		rows, err := queryRows(ctx, q, sel.where(true), sel.limit+1)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	slices.SortFunc(out, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.deadline, b.deadline), cmp.Compare(a.id, b.id))
	})
	return out, nil
}

func (sel selection) where(resolved bool) *where {
	w := caseWhere(sel.filter, resolved)
	if p := sel.after; p != nil {
		w.and("(priority, deadline, id) > (?, ?, ?)", p.priority, p.deadline, p.id)
	}
	return w
}

// where collects the conditions on cases; the arguments are numbered in the order in which they come.
type where struct {
	text []string
	args []any
}

// caseWhere selects the waiting or the resolved cases of a queue and tier.
func caseWhere(f prediag.CaseFilter, resolved bool) *where {
	w := &where{}
	if resolved {
		w.and("resolved = 1")
	} else {
		w.and("resolved = 0")
	}
	if f.Queue != "" {
		w.and("queue = ?", f.Queue)
	}
	if f.Tier != "" {
		w.and("tier = ?", f.Tier)
	}
	return w
}

// and adds a condition, in which each question mark stands for one argument.
func (w *where) and(condition string, args ...any) {
	for _, a := range args {
		w.args = append(w.args, a)
		condition = strings.Replace(condition, "?", "$"+strconv.Itoa(len(w.args)), 1)
	}
	w.text = append(w.text, condition)
}

// query is the statement for the first n rows in the order of the queue.
func (w *where) query(n int) string {
	return "select " + rowColumns + " from cases where " + strings.Join(w.text, " and ") +
		" order by priority, deadline, id limit " + strconv.Itoa(n)
}

func queryRows(ctx context.Context, q querier, w *where, n int) ([]row, error) {
	found, err := q.QueryContext(ctx, w.query(n), w.args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var out []row
	for found.Next() {
		r, err := scanRow(found.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, found.Err()
}

// loadPage makes a page of at most limit rows with their diagnoses.
func loadPage(ctx context.Context, q querier, rows []row, limit int, now time.Time) (prediag.CasePage, error) {
	var page prediag.CasePage
	size := 0
	for i, r := range rows {
		if i == limit || size > maxPageBytes {
			page.Next = rows[i-1].position().String()
			break
		}
		c, err := r.bare(now)
		if err != nil {
			return prediag.CasePage{}, err
		}
		d, n, err := loadDiagnosisSize(ctx, q, r.diagnosisID)
		if err != nil {
			return prediag.CasePage{}, err
		}
		c.Diagnosis = d
		size += n
		page.Cases = append(page.Cases, c)
	}
	return page, nil
}

// countOpen counts the waiting cases of a queue and tier (empty: all) that nobody holds.
func countOpen(ctx context.Context, q querier, queue, tier string, now time.Time) (int, error) {
	var n int
	err := q.QueryRowContext(ctx, `select
		(select coalesce(sum(waiting), 0) from backlog where ($1 = '' or queue = $1) and ($2 = '' or tier = $2)) -
		(select count(*) from cases where resolved = 0 and lease_until > $3 and ($1 = '' or queue = $1) and ($2 = '' or tier = $2))`,
		queue, tier, micros(now)).Scan(&n)
	return n, err
}

// position is a place in the order of the queue.
type position struct {
	priority int
	deadline int64 // microseconds, as stored
	id       string
}

func (r row) position() position { return position{r.priority, r.deadline, r.id} }

// String is the position as a page token.
func (p position) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d.%s", p.priority, p.deadline, p.id))
}

// parsePosition reads a page token.
func parsePosition(token string) (position, error) {
	var p position
	bad := invalid("PAGE_TOKEN_INVALID", "after", "the page token %.64q was not made by this service; start without one", token)
	if len(token) > 4*prediag.MaxFieldBytes {
		return p, bad
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return p, bad
	}
	parts := strings.SplitN(string(raw), ".", 3)
	if len(parts) != 3 {
		return p, bad
	}
	var errs [2]error
	p.priority, errs[0] = strconv.Atoi(parts[0])
	p.deadline, errs[1] = strconv.ParseInt(parts[1], 10, 64)
	p.id = parts[2]
	if errs[0] != nil || errs[1] != nil {
		return position{}, bad
	}
	return p, nil
}
