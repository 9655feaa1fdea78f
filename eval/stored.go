package eval

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"prediag"
)

// Files of a stored run, beside its record.
const (
	ReportFile  = "report.json"  // the whole report
	ItemsFile   = "items.jsonl"  // one item a line
	RankingFile = "ranking.trec" // of a search: what was returned, as WriteRun writes it
)

// StoredRun is a run of a registry with its files.
type StoredRun struct {
	Record RunRecord
	Files  fs.FS
}

// Stored finds a run as Load does.
func (r *Registry) Stored(which string) (StoredRun, error) {
	record, files, err := r.Load(which)
	return StoredRun{record, files}, err
}

// Name is what documents call the run.
func (s StoredRun) Name() string { return cmp.Or(s.Record.Name, s.Record.ID) }

// Report reads the run's report into v.
func (s StoredRun) Report(v any) error {
	raw, err := fs.ReadFile(s.Files, ReportFile)
	if err == nil {
		err = json.Unmarshal(raw, v)
	}
	if err != nil {
		return fmt.Errorf("run %s: %s cannot be read (%w); measure again: %w", s.Name(), ReportFile, err, prediag.ErrDamaged)
	}
	return nil
}

// ItemsOf reads a stored run's items: T is ClassifyItem, RetrieveItem or TriageItem.
func ItemsOf[T any](s StoredRun) ([]T, error) {
	raw, err := fs.ReadFile(s.Files, ItemsFile)
	if err != nil {
		return nil, fmt.Errorf("run %s: %s cannot be read (%w); measure again: %w", s.Name(), ItemsFile, err, prediag.ErrDamaged)
	}
	items, err := ReadItems[T](raw)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", s.Name(), err)
	}
	return items, nil
}

// CompareRuns compares two stored runs of one kind by their items. Runs of different kinds are of kind ErrInvalid; runs
// whose data differ by the hash are of kind ErrConflict unless forced. Model, index, policy and the corpus of a search may
// differ: they are what is compared.
func CompareRuns(a, b StoredRun, opt CompareOptions) (Comparison, error) {
	if a.Record.Kind != b.Record.Kind {
		return Comparison{}, prediag.Invalid("KINDS_DIFFER", "run", fmt.Sprintf(
			"%s measures %s and %s measures %s; compare runs of one kind", a.Name(), a.Record.Kind, b.Name(), b.Record.Kind))
	}
	if err := sameHashes(a, b); err != nil && !opt.Force {
		return Comparison{}, err
	}
	opt.NameA, opt.NameB = cmp.Or(opt.NameA, a.Name()), cmp.Or(opt.NameB, b.Name())
	if opt.NameA == opt.NameB { // two runs of one name
		opt.NameA, opt.NameB = a.Record.ID, b.Record.ID
	}
	switch a.Record.Kind {
	case "classify":
		return compareItems(a, b, opt, CompareClassify)
	case "retrieve":
		return compareItems(a, b, opt, CompareRetrieve)
	case "triage":
		return compareItems(a, b, opt, CompareTriage)
	}
	return Comparison{}, prediag.Invalid("KIND_UNKNOWN", "run", fmt.Sprintf("runs of the kind %q cannot be compared", a.Record.Kind))
}

func compareItems[T any](a, b StoredRun, opt CompareOptions, compare func(a, b []T, opt CompareOptions) (Comparison, error)) (Comparison, error) {
	itemsA, err := ItemsOf[T](a)
	if err != nil {
		return Comparison{}, err
	}
	itemsB, err := ItemsOf[T](b)
	if err != nil {
		return Comparison{}, err
	}
	return compare(itemsA, itemsB, opt)
}

// sameHashes compares what both runs were measured on, by role; the corpus is not the data but what was searched.
func sameHashes(a, b StoredRun) error {
	byRole := func(r RunRecord) map[string]string {
		roles := map[string]string{}
		for key, hash := range r.Data {
			if role, _, _ := strings.Cut(key, "/"); role != "corpus" {
				roles[role] = hash
			}
		}
		return roles
	}
	rolesA, rolesB := byRole(a.Record), byRole(b.Record)
	for _, role := range slices.Sorted(maps.Keys(rolesA)) {
		if hash, ok := rolesB[role]; ok && hash != rolesA[role] {
			return &prediag.Error{Kind: prediag.ErrConflict, Reason: "DIFFERENT_DATA", Message: fmt.Sprintf(
				"the runs are over different data: the %s of %s and %s are not the same file; measure both on the same data, or force it",
				role, a.Name(), b.Name())}
		}
	}
	return nil
}

// Provenance gives the record's facts as names and values for a document.
func (r RunRecord) Provenance() [][2]string {
	commit := r.Commit
	if r.Dirty {
		commit += " with changes that were not committed"
	}
	list := [][2]string{
		{"run", r.ID}, {"name", r.Name}, {"commit", commit}, {"model", r.Model}, {"taxonomy", r.Taxonomy}, {"index", r.Index},
		{"policy", r.Policy}, {"seed", fmt.Sprint(r.Seed)}, {"Go", r.Go}, {"machine", r.Machine},
	}
	if !r.Created.IsZero() {
		list = append(list, [2]string{"measured", r.Created.UTC().Format(time.RFC3339)})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Data)) {
		list = append(list, [2]string{name, "SHA-256 " + r.Data[name]})
	}
	return slices.DeleteFunc(list, func(p [2]string) bool { return p[1] == "" })
}
