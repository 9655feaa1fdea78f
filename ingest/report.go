package ingest

import "time"

// The reasons for which a file, or a line of a JSON Lines file, is left out. Unsupported extensions are counted under
// "unsupported extension .xyz".
const (
	SkipAudience     = "audience not among the source's"
	SkipBinary       = "binary"
	SkipCompression  = "compression ratio over 100"
	SkipCSV          = "malformed csv row"
	SkipDamaged      = "damaged compression"
	SkipDOCX         = "malformed docx"
	SkipDraft        = "draft"
	SkipDuplicate    = "duplicate id"
	SkipEmpty        = "empty"
	SkipNoColumns    = "record without the columns title and body"
	SkipExcluded     = "excluded by the configuration"
	SkipFrontMatter  = "malformed front matter"
	SkipHeader       = "sheet without a column of text"
	SkipHidden       = "hidden"
	SkipHiddenFolder = "hidden folder, not entered"
	SkipID           = "invalid id"
	SkipInvalidUTF8  = "invalid utf-8"
	SkipIrregular    = "not a regular file"
	SkipJSON         = "malformed json line"
	SkipLinkBroken   = "broken symlink"
	SkipLinkFolder   = "symlink to a folder"
	SkipLinkOutside  = "symlink outside"
	SkipMemory       = "parser out of memory"
	SkipMetadata     = "metadata too long or malformed"
	SkipName         = "invalid file name"
	SkipNoIndex      = "noindex"
	SkipNoWorker     = "no parse worker"
	SkipNotFound     = "not found"
	SkipOtherHost    = "of another host"
	SkipPanic        = "parser failure"
	SkipPDF          = "malformed pdf"
	SkipPDFEncrypted = "encrypted pdf"
	SkipPDFGarbled   = "pdf without readable text"
	SkipRedirect     = "redirected to another host"
	SkipRefused      = "refused by the server"
	SkipRobots       = "disallowed by robots.txt"
	SkipReaders      = "sheet without the column that columns names as audience"
	SkipTimeout      = "parse timeout"
	SkipTooLarge     = "too large"
	SkipTooMany      = "beyond the limit on items"
	SkipUnreachable  = "could not be fetched"
	SkipUnreadable   = "unreadable"
	skipContentType  = "unsupported content type "
	SkipFolder       = "unreadable folder"
	skipExtension    = "unsupported extension "
	skipNoExtension  = "no extension"
	maxQuarantined   = 100 // entries of SourceReport.Quarantined; further ones are only counted in Skipped
	maxSkippedKinds  = 64  // different reasons in SourceReport.Skipped; further extensions share one
	skipOtherReasons = "unsupported extension (others)"
)

// Report says what a refresh did.
type Report struct {
	Started    time.Time      `json:"started"`
	Took       time.Duration  `json:"took_ns"`
	Phases     Phases         `json:"phases"`
	Sources    []SourceReport `json:"sources"`
	Generation uint64         `json:"generation"` // that serves afterwards; 0: none yet
	Twins      int            `json:"near_twins"` // articles of it that say the same, or nearly the same, as another one
	Applied    bool           `json:"applied"`    // false: nothing had changed, so the index was left alone
}

// Phases says how a refresh spent its time: waiting for sources and parsers, for the index to take the changes in, and for
// it to make them durable, prove and publish them. Reading and indexing overlap; each counts the waiting for it.
type Phases struct {
	Reading    time.Duration `json:"reading_ns"`
	Indexing   time.Duration `json:"indexing_ns"`
	Publishing time.Duration `json:"publishing_ns"`
}

// SourceReport says what a refresh found in one source. Articles is Added + Changed + Moved + Unchanged + Kept.
type SourceReport struct {
	Name        string         `json:"name"`
	Files       int            `json:"files"`    // met in the source, skipped ones included
	Articles    int            `json:"articles"` // that the index holds of the source afterwards
	Added       int            `json:"added"`
	Changed     int            `json:"changed"`
	Moved       int            `json:"moved"` // of unchanged files that have another path: neither added nor deleted
	Unchanged   int            `json:"unchanged"`
	Kept        int            `json:"kept"` // as they were, because their file could not be read or parsed this time
	Deleted     int            `json:"deleted"`
	Parsed      int            `json:"parsed"`                 // files and records that went through a parser
	Broken      int            `json:"broken_links,omitempty"` // links of those to files of the source that are not there
	Sections    int            `json:"sections"`               // of the articles added, changed and moved
	Error       string         `json:"error,omitempty"`        // why the source could not be read to its end; its articles stay as they were
	NotDue      bool           `json:"not_due,omitempty"`      // its own schedule says later: it was not read
	Skipped     map[string]int `json:"skipped"`                // files and lines left out, by reason
	Quarantined []Quarantined  `json:"quarantined,omitempty"`  // the first 100 of those that somebody should look at
}

// Quarantined is a file or line that should have given an article and did not.
type Quarantined struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Total adds up the sources' figures, without names and quarantined files.
func (r Report) Total() SourceReport {
	t := SourceReport{Skipped: map[string]int{}}
	for _, s := range r.Sources {
		t.Files += s.Files
		t.Articles += s.Articles
		t.Added += s.Added
		t.Changed += s.Changed
		t.Moved += s.Moved
		t.Parsed += s.Parsed
		t.Broken += s.Broken
		t.Unchanged += s.Unchanged
		t.Kept += s.Kept
		t.Deleted += s.Deleted
		t.Sections += s.Sections
		for reason, n := range s.Skipped {
			t.Skipped[reason] += n
		}
	}
	return t
}

// Unavailable reports whether a source could not be read to its end.
func (r Report) Unavailable() bool {
	for _, s := range r.Sources {
		if s.Error != "" {
			return true
		}
	}
	return false
}

// skip counts one file or line that was left out. Reasons that are nobody's fault, such as an extension that is not for
// articles, are counted only.
func (s *SourceReport) skip(path, reason string) {
	if _, known := s.Skipped[reason]; !known && len(s.Skipped) >= maxSkippedKinds {
		reason = skipOtherReasons
	}
	s.Skipped[reason]++
	if isFault(reason) && len(s.Quarantined) < maxQuarantined {
		s.Quarantined = append(s.Quarantined, Quarantined{Path: path, Reason: reason})
	}
}

// isFault reports whether a skip should be looked at by somebody.
func isFault(reason string) bool {
	switch reason {
	case SkipAudience, SkipBinary, SkipCompression, SkipCSV, SkipDamaged, SkipDOCX, SkipDuplicate, SkipFrontMatter, SkipHeader, SkipID, SkipReaders,
		SkipInvalidUTF8, SkipJSON, SkipLinkOutside, SkipMemory, SkipMetadata, SkipName, SkipNoWorker, SkipPanic, SkipPDF, SkipPDFEncrypted, SkipPDFGarbled,
		SkipRefused, SkipTimeout, SkipTooLarge, SkipTooMany, SkipUnreachable, SkipUnreadable, SkipFolder:
		return true
	}
	return false
}

// keepsOld reports whether the articles that a file gave last time outlive this reason: those of a file that is there
// and cannot be used are kept, those of a file that was emptied or hidden on purpose are not.
func keepsOld(reason string) bool {
	switch reason {
	case SkipDuplicate, SkipLinkOutside, SkipName, SkipAudience:
		return false
	}
	return isFault(reason)
}
