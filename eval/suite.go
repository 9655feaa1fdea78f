package eval

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"prediag"
)

// Suite is everything that a data folder lets measure.
type Suite struct {
	Classify []ClassifyTask
	Retrieve []RetrieveTask
	Skipped  []string // folders that hold no whole set, with the reason
}

// ClassifyTask is a set to learn from and to measure on; paths are below the data folder.
type ClassifyTask struct {
	Name  string
	Train string
	Valid string // to choose the out-of-scope threshold on; empty: none
	Test  string
}

// RetrieveTask is a judged collection; paths are below the data folder.
type RetrieveTask struct {
	Name    string // with the judgements' name where the folder holds several
	Corpus  string
	Queries string
	Qrels   string
	Within  []string // languages of the articles that are searched; empty: all
}

// FindSuite lists what the folders "classify" and "retrieval" of a data folder hold, by name. A classify set has
// train.jsonl.gz and test.jsonl.gz, and may have valid.jsonl.gz; a collection has queries.jsonl, one or more
// qrels*.txt, and corpus.jsonl.gz or a corpus that the list of sets names. A data folder with neither is of kind
// ErrNotFound.
func FindSuite(data fs.FS, sets []Set) (Suite, error) {
	var s Suite
	classify, errC := fs.ReadDir(data, "classify")
	retrieval, errR := fs.ReadDir(data, "retrieval")
	if errC != nil && errR != nil {
		return s, fmt.Errorf("neither a folder classify nor a folder retrieval (%w): %w", errC, prediag.ErrNotFound)
	}
	for _, d := range classify {
		if d.IsDir() {
			s.addClassify(data, path.Join("classify", d.Name()))
		}
	}
	known := map[string]Set{}
	for _, set := range sets {
		known[set.Path] = set
	}
	for _, d := range retrieval {
		if d.IsDir() {
			dir := path.Join("retrieval", d.Name())
			s.addRetrieve(data, dir, known[dir])
		}
	}
	return s, nil
}

func (s *Suite) addClassify(data fs.FS, dir string) {
	t := ClassifyTask{Name: path.Base(dir), Train: path.Join(dir, "train.jsonl.gz"), Test: path.Join(dir, "test.jsonl.gz")}
	if !holds(data, t.Train) || !holds(data, t.Test) {
		s.Skipped = append(s.Skipped, dir+": no train.jsonl.gz with a test.jsonl.gz")
		return
	}
	if valid := path.Join(dir, "valid.jsonl.gz"); holds(data, valid) {
		t.Valid = valid
	}
	s.Classify = append(s.Classify, t)
}

func (s *Suite) addRetrieve(data fs.FS, dir string, set Set) {
	corpus := set.Corpus
	queries := path.Join(dir, "queries.jsonl")
	qrels, err := fs.Glob(data, dir+"/qrels*.txt")
	if err != nil || len(qrels) == 0 || !holds(data, queries) {
		s.Skipped = append(s.Skipped, dir+": no queries.jsonl with a qrels*.txt")
		return
	}
	if own := path.Join(dir, "corpus.jsonl.gz"); holds(data, own) {
		corpus = own
	}
	if corpus == "" || !holds(data, corpus) {
		s.Skipped = append(s.Skipped, strings.TrimSpace(dir+": no corpus "+corpus))
		return
	}
	slices.Sort(qrels)
	for _, file := range qrels {
		name, within := path.Base(dir), set.Within[strings.TrimSuffix(path.Base(file), ".txt")]
		if which := strings.Trim(strings.TrimSuffix(strings.TrimPrefix(path.Base(file), "qrels"), ".txt"), "."); which != "" {
			name += " " + which
		}
		if len(within) > 0 {
			name += " (among " + strings.Join(within, ", ") + ")"
		}
		s.Retrieve = append(s.Retrieve, RetrieveTask{Name: name, Corpus: corpus, Queries: queries, Qrels: file, Within: within})
	}
}

func holds(data fs.FS, name string) bool {
	info, err := fs.Stat(data, name)
	return err == nil && info.Mode().IsRegular()
}
