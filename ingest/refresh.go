package ingest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"prediag"
)

// refresh is one run over the sources.
type refresh struct {
	index    Index
	opt      *Options
	parser   parser
	force    bool
	due      bool // only the sources that are due by their own schedule
	resume   bool // the index has work left that needs no change
	progress func(Progress)

	spares   sync.Pool // of *[]byte: lines that need not be parsed
	states   []*sourceState
	seen     map[string]bool // IDs met so far, in all sources
	report   Report
	offered  int // files and records sent to be looked at
	done     int // files and records looked at
	expected int // known articles of all sources
}

// sourceState is what a refresh knows about one of its sources.
type sourceState struct {
	src     Source
	known   map[string]string // ID → fingerprint
	prints  map[string]string // fingerprint → ID
	broken  map[string]bool   // keys of files whose articles are kept
	partial bool              // a folder could not be listed: nothing is deleted
	down    bool              // the source could not be read to its end: the same
	torn    bool              // a file failed for a reason that may be gone next time: the walk's mark must not pass it
	rep     *SourceReport
	old     LedgerEntry
	leftAt  map[string][]string // path → keys of old.Left
	left    map[string]LeftOut
	met     map[string]bool // IDs that the files met give unless they name another
	linked  map[string]int  // such IDs that the articles parsed lead to → how often
	came    map[string]int  // raw bytes of the articles that were added → how many

	inc     Incremental         // nil: none
	mark    []byte              // for inc
	walked  Walked              // set when the walk has ended
	touched map[string]bool     // keys of the files that were met or are gone; nil: not kept
	byKey   map[string][]string // key → IDs in known
}

// ErrUnavailable marks an error of Source.Walk after which the source's articles stay as they are, while the other
// sources are refreshed all the same.
var ErrUnavailable = errors.New("source unavailable")

// errAbandoned is returned when the index stopped reading the changes before their end and reported no error.
var errAbandoned = errors.New("the index did not read all changes")

// run walks the sources and applies what changed.
func (r *refresh) run(ctx context.Context, sources []Source) error {
	serves := r.index.Generation()
	r.resume = serves.Unfinished
	r.report.Generation, r.report.Twins = serves.Number, serves.Twins
	if err := r.prepare(ctx, sources); err != nil {
		return err
	}
	if err := r.apply(ctx); err != nil {
		return err
	}
	r.saveLedger(ctx)
	return nil
}

// apply makes a generation of the changes, if there are any.
func (r *refresh) apply(ctx context.Context) error {
	// The first change is fetched before the index is asked to do anything: most refreshes find none.
	next, stop := iter.Pull2(r.changes(ctx))
	defer stop()
	watch := stopwatch{at: time.Now()}
	defer func() { r.report.Phases = watch.phases }()
	change, err, more := next()
	watch.lap(&watch.phases.Reading)
	if err != nil || !more && !r.resume {
		return err
	}
	finished, changed := false, more
	gen, err := r.index.Apply(ctx, func(yield func(prediag.Change, error) bool) {
		for more && err == nil && yield(change, nil) {
			watch.lap(&watch.phases.Indexing)
			change, err, more = next()
			watch.lap(&watch.phases.Reading)
		}
		if more && err != nil {
			yield(prediag.Change{}, err)
		}
		finished = !more
		if finished {
			r.tell(StagePublishing, true)
		}
	})
	watch.lap(&watch.phases.Publishing)
	switch {
	case err != nil:
		return err
	case !finished:
		return errAbandoned
	}
	r.report.Applied = changed || gen.Number != r.report.Generation
	r.report.Generation, r.report.Twins = gen.Number, gen.Twins
	return nil
}

// stopwatch tells how long each phase takes, by the monotonic clock.
type stopwatch struct {
	at     time.Time
	phases Phases
}

// lap adds the time since the last lap to a phase.
func (w *stopwatch) lap(to *time.Duration) {
	now := time.Now()
	*to += now.Sub(w.at)
	w.at = now
}

// prepare checks the sources and asks the index what it holds of them.
func (r *refresh) prepare(ctx context.Context, sources []Source) error {
	r.report.Sources = make([]SourceReport, len(sources))
	for i, src := range sources {
		name := src.Name()
		if !validID(name) || slices.ContainsFunc(sources[:i], func(s Source) bool { return s.Name() == name }) {
			return prediag.Invalid("SOURCE_INVALID", "source", fmt.Sprintf("source name %q is empty, malformed or used twice; give every source a name of its own", name))
		}
		rep := &r.report.Sources[i]
		rep.Name, rep.Skipped = name, map[string]int{}
		known, err := r.index.Known(ctx, name)
		if err != nil {
			return fmt.Errorf("known articles of source %q: %w", name, err)
		}
		if r.due && r.notDue(src, known) {
			rep.NotDue, rep.Articles = true, len(known)
			continue
		}
		st := &sourceState{src: src, known: known, prints: make(map[string]string, len(known)), broken: map[string]bool{}, came: map[string]int{}, met: map[string]bool{}, linked: map[string]int{}, rep: rep}
		for id, print := range known {
			st.prints[print] = id
		}
		if err := r.loadLedger(st); err != nil {
			return err
		}
		r.states = append(r.states, st)
		r.expected += len(known)
	}
	r.seen = make(map[string]bool, r.expected)
	return nil
}

// changes walks the sources and yields every change, the removals last. An error ends the sequence.
func (r *refresh) changes(ctx context.Context) iter.Seq2[prediag.Change, error] {
	return func(yield func(prediag.Change, error) bool) {
		for _, st := range r.states {
			for u, err := range r.units(ctx, st) {
				if err != nil {
					yield(prediag.Change{}, err)
					return
				}
				if c, ok := r.account(st, u); ok && !yield(c, nil) {
					return
				}
			}
			r.settleRest(st)
		}
		if err := r.allDown(); err != nil {
			yield(prediag.Change{}, err)
			return
		}
		for _, st := range r.states {
			if err := r.checkVanished(st); err != nil {
				yield(prediag.Change{}, err)
				return
			}
		}
		for _, st := range r.states {
			gone := st.gone(r.seen)
			st.rep.Broken = r.brokenLinks(st, gone)
			st.rep.Moved = st.moved(gone)
			st.rep.Deleted = len(gone) - st.rep.Moved
			st.rep.Added -= st.rep.Moved
			for _, id := range gone {
				if !yield(prediag.Change{Delete: id}, nil) {
					return
				}
			}
			st.rep.Articles = st.rep.Added + st.rep.Changed + st.rep.Moved + st.rep.Unchanged + st.rep.Kept
			st.prints = nil // what follows, publishing, needs the memory
			if !st.compared() {
				st.known = nil
			}
		}
	}
}

const maxDownNamed = 10 // sources in an error

// allDown is the error of a refresh in which no source could be read.
func (r *refresh) allDown() error {
	var why []string
	for _, st := range r.states {
		if !st.down {
			return nil
		}
		why = append(why, st.rep.Error)
	}
	if len(why) > maxDownNamed {
		why = append(why[:maxDownNamed], "…")
	}
	if len(why) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrUnavailable, strings.Join(why, "; "))
}

// scheduled is a source with a schedule of its own.
type scheduled interface{ Every() time.Duration }

// every is how often a source is to be read by its own schedule; 0: it has none.
func every(src Source) time.Duration {
	if s, ok := src.(scheduled); ok {
		return s.Every()
	}
	return 0
}

// notDue reports whether a source's own schedule says later. A last walk in the future means that a clock was set; an
// index that does not hold what it held then was rolled back or built anew.
func (r *refresh) notDue(src Source, known map[string]string) bool {
	interval := every(src)
	if r.opt.Ledger == nil || interval <= 0 {
		return false
	}
	e, err := r.opt.Ledger.Load(src.Name())
	if err != nil || e.Walked.IsZero() || e.Parser != parserVersion || e.Config != configOf(src) || e.Known != digest(known) {
		return false
	}
	age := r.opt.Now().Sub(e.Walked)
	return age >= 0 && age < interval-interval/20 // loops wake a little early or late
}

// account enters one file or record into the report and makes a change of it where it is one.
func (r *refresh) account(st *sourceState, u *unit) (prediag.Change, bool) {
	if st.touched != nil {
		st.touched[u.key] = true
	}
	r.done++
	r.tell(StageReading, false)
	if u.item.Gone {
		return prediag.Change{}, false
	}
	if u.file {
		st.rep.Files++
		st.met[st.src.Name()+"/"+slug(u.item.Path)] = true
	}
	if u.item.Same {
		r.accountSame(st, u)
		return prediag.Change{}, false
	}
	if u.parsed {
		st.rep.Parsed++
	}
	reason, id := u.skip, u.id
	if reason == "" && id != "" && r.seen[id] {
		reason = SkipDuplicate
	}
	if reason != "" {
		st.rep.skip(u.item.Path, reason)
		st.leave(u.print, u.item.Path, reason, r.report.Started)
		if keepsOld(reason) {
			st.broken[u.key] = true
		}
		st.partial = st.partial || reason == SkipFolder
		st.torn = st.torn || reason == SkipNoWorker || reason == SkipUnreadable
		return prediag.Change{}, false
	}
	if id == "" { // a file of records: each of them comes as a unit of its own
		return prediag.Change{}, false
	}
	r.seen[id] = true
	if u.article == nil {
		st.rep.Unchanged++
		return prediag.Change{}, false
	}
	st.rep.Sections += len(u.article.Sections)
	st.noteLinks(u.article.Links)
	if _, known := st.known[id]; known {
		st.rep.Changed++
	} else {
		st.rep.Added++
		st.came[rawOf(u.print)]++
	}
	return prediag.Change{Put: u.article, Fingerprint: u.print}, true
}

// accountSame enters a file that is as it was: its articles stand, and what it left out is left out again.
func (r *refresh) accountSame(st *sourceState, u *unit) {
	for _, id := range st.byKey[u.key] {
		if !r.seen[id] {
			r.seen[id] = true
			st.rep.Unchanged++
		}
	}
	for _, print := range st.leftAt[u.item.Path] {
		l := st.old.Left[print]
		st.rep.skip(l.Path, l.Reason)
		st.leave(print, l.Path, l.Reason, l.Since)
	}
}

// settleRest lets stand what a walk did not meet because it told only what changed.
func (r *refresh) settleRest(st *sourceState) {
	if !st.walked.Rest || st.down {
		return
	}
	for id, print := range st.known {
		if !r.seen[id] && !st.touched[keyOf(print)] {
			r.seen[id] = true
			st.rep.Unchanged++
		}
	}
	for print, l := range st.old.Left {
		if !st.touched[fileKey(l.Path)] {
			st.leave(print, l.Path, l.Reason, l.Since)
		}
	}
}

// gone lists the known articles that are to be removed, sorted, and counts those that are kept.
func (st *sourceState) gone(seen map[string]bool) []string {
	var ids []string
	st.rep.Kept = 0
	for id, print := range st.known {
		switch {
		case seen[id]:
		case st.partial || st.down || st.broken[keyOf(print)]:
			st.rep.Kept++
		default:
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// moved counts those of the articles that are gone whose file was met, byte for byte, under another path.
func (st *sourceState) moved(gone []string) int {
	here := map[string]int{}
	n := 0
	for _, id := range gone {
		raw := rawOf(st.known[id])
		if raw != "" && here[raw] < st.came[raw] {
			here[raw]++
			n++
		}
	}
	return n
}

// minGuarded is how many articles a source must have had for the share of vanished ones to mean something.
const minGuarded = 10

// checkVanished stops a refresh in which a source lost too many of its articles: far more often a broken mount or an
// unfinished export than a wish. Articles whose file failed count as lost, although they would be kept.
func (r *refresh) checkVanished(st *sourceState) error {
	gone := st.gone(r.seen)
	lost := len(gone) - st.moved(gone) + st.rep.Kept
	known := len(st.known)
	emptied := st.rep.Files == 0 && known > 0
	if r.force || st.down || lost == 0 || known < minGuarded && !emptied {
		return nil
	}
	if share := float64(lost) / float64(known); share <= r.opt.MaxVanished {
		return nil
	}
	return &prediag.Error{Kind: prediag.ErrConflict, Reason: "TOO_MANY_VANISHED", Field: "source", Message: fmt.Sprintf(
		"source %q: %d of %d known articles vanished or cannot be read, more than %.0f %%; check the source, or refresh with force if it is meant so",
		st.src.Name(), lost, known, 100*max(0, r.opt.MaxVanished))}
}

// progressStep is how many files and records pass between two reports of progress.
const progressStep = 64

// tell reports progress now and then, or now.
func (r *refresh) tell(stage string, now bool) {
	if r.progress == nil || !now && r.done%progressStep != 1 {
		return
	}
	p := Progress{Stage: stage, Done: r.done, Total: r.expected}
	if p.Done > p.Total {
		p.Total = 0
	}
	r.progress(p)
}
