package eval

import (
	"crypto/sha256"
	_ "embed" // the list of public sets
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"prediag"
)

//go:embed sets.json
var setsFile []byte

// Set is a public data set that the documents report on.
type Set struct {
	Path      string   `json:"path"` // folder below the data folder, e.g. "classify/banking77"
	Task      string   `json:"task"` // "classify", "retrieve" or "corpus"
	Name      string   `json:"name"`
	What      string   `json:"what"`
	Languages []string `json:"languages"` // BCP 47 tags, or "many"
	Licence   string   `json:"licence"`
	Source    string   `json:"source"`           // where it comes from
	Commit    string   `json:"commit,omitempty"` // of the source; empty: several repositories
	Corpus    string   `json:"corpus,omitempty"` // file below the data folder that is searched; empty: corpus.jsonl.gz of the set's own
	// Within says which articles a collection is about, by judgements, e.g. "qrels.to-en": ["en"]; absent: all.
	Within map[string][]string `json:"within,omitempty"`

	Items map[string]int    `json:"items"` // by part: examples, queries, articles, judgements
	Files map[string]string `json:"files"` // name → SHA-256, as measured for the documents

	Content  map[string]string `json:"content,omitempty"`  // part → ContentHash, of sets that can be downloaded
	Download *Download         `json:"download,omitempty"` // nil: it cannot be downloaded
	WhyNot   string            `json:"why_not,omitempty"`  // why it cannot
}

// Sets lists the public sets.
func Sets() ([]Set, error) { return ReadSets(setsFile) }

// ReadSets reads a list of sets: a JSON object with the key "sets". Anything else is of kind ErrInvalid.
func ReadSets(raw []byte) ([]Set, error) {
	var list struct {
		Sets []Set `json:"sets"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, invalidSets("is not a JSON object with the list \"sets\": " + err.Error())
	}
	for _, s := range list.Sets {
		if !fs.ValidPath(s.Path) || s.Corpus != "" && !fs.ValidPath(s.Corpus) {
			return nil, invalidSets(fmt.Sprintf("names the path %.80q or %.80q, which leaves the data folder", s.Path, s.Corpus))
		}
	}
	return list.Sets, nil
}

// SetState says whether a data folder has a set.
type SetState struct {
	Set
	State   string   `json:"state"`             // "present", "changed", "incomplete" or "absent"
	Differs []string `json:"differs,omitempty"` // files that are missing or hold something else
}

// CheckSets compares the files of a data folder with the list by their SHA-256. A nil folder has none.
func CheckSets(data fs.FS, sets []Set) ([]SetState, error) {
	states := make([]SetState, len(sets))
	for i, s := range sets {
		states[i] = SetState{Set: s, State: "absent"}
		if data == nil {
			continue
		}
		missing := 0
		for _, name := range slices.Sorted(maps.Keys(s.Files)) {
			hash, err := hashFile(data, path.Join(s.Path, name))
			if errors.Is(err, fs.ErrNotExist) {
				missing++
			} else if err != nil {
				return nil, fmt.Errorf("check %s: %w", s.Path, err)
			}
			if hash != s.Files[name] && !s.sameContent(data, name) {
				states[i].Differs = append(states[i].Differs, name)
			}
		}
		switch {
		case len(states[i].Differs) == 0:
			states[i].State = "present"
		case missing == 0:
			states[i].State = "changed"
		case missing < len(s.Files):
			states[i].State = "incomplete"
		}
	}
	return states, nil
}

// sameContent reports whether a file holds the set's examples in another packing, as FetchSet makes it.
func (s Set) sameContent(data fs.FS, name string) bool {
	want := s.Content[strings.TrimSuffix(name, ".jsonl.gz")]
	if want == "" {
		return false
	}
	f, err := data.Open(path.Join(s.Path, name))
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read from
	records, err := ReadRecords(f)
	return err == nil && ContentHash(records) == want
}

func hashFile(files fs.FS, name string) (string, error) {
	f, err := files.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // only read from
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// WriteSets writes the list for people, in Markdown.
func WriteSets(w io.Writer, states []SetState) error {
	var b strings.Builder
	b.WriteString("| set | what | languages | items | licence | source | here | download |\n|---|---|---|---|---|---|---|---|\n")
	for _, s := range states {
		source := s.Source
		if s.Commit != "" {
			source += " @" + s.Commit[:min(12, len(s.Commit))]
		}
		download := "yes"
		if s.Download == nil {
			download = "no: " + cell(s.WhyNot)
		}
		fmt.Fprintf(&b, "| %s (%s) | %s | %s | %s | %s | %s | %s | %s |\n", cell(s.Name), s.Path, cell(s.What), strings.Join(s.Languages, " "),
			itemCounts(s.Items), cell(s.Licence), cell(source), strings.TrimSpace(s.State+" "+strings.Join(s.Differs, ", ")), download)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func itemCounts(items map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(items)) {
		parts = append(parts, fmt.Sprintf("%d %s", items[name], name))
	}
	return strings.Join(parts, ", ")
}

func invalidSets(what string) error {
	return prediag.Invalid("SETS_INVALID", "sets", "the list of sets "+what)
}
