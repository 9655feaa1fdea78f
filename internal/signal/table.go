package signal

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"prediag"
)

// Table holds the phrases of one language. The built-in ones and those of a policy file have the same form.
//
// A phrase is written in the letters of the language; case, width and accents' encoding do not matter:
//
//	word      the word itself; an ideograph, a kana, a Hangul syllable or a Thai letter is a word of its own
//	word*     a word that begins so
//	(a|b c)   one of several; (a)? may be left out
//	<n>       a number of three digits or more
//	..3       up to three words of any kind in between, in the same sentence
//	_         next to a Hangul syllable: here a written word begins or ends
//
// Between the words of a phrase may be spaces and hyphens, and in scripts without spaces nothing unless the phrase has
// a space there.
type Table struct {
	Language string   `yaml:"language"` // BCP 47 tag; phrases of English are negated by the words of any language
	Reach    int      `yaml:"reach"`    // words between a negation and a phrase, at most; 0 means 3
	Negated  []string `yaml:"negated"`  // turns a phrase behind it in the clause into its opposite; with "~" one before it
	Supposed []string `yaml:"supposed"` // makes an incident in the same clause one that is only thought of; "~" as above

	Urgent    Phrases `yaml:"urgent"`
	Major     Phrases `yaml:"major"`
	Security  Phrases `yaml:"security"`
	Privacy   Phrases `yaml:"privacy"`
	Legal     Phrases `yaml:"legal"`
	Person    Phrases `yaml:"person"`
	Complaint Phrases `yaml:"complaint"`
}

// Phrases are what signals one kind.
type Phrases struct {
	Phrases []string `yaml:"phrases"` // each is enough by itself
	Weak    []string `yaml:"weak"`    // two different ones are needed in one text
	Except  []string `yaml:"except"`  // a phrase that shares a word with one of these does not count, whatever table it is from
}

func (t *Table) kind(k Kind) Phrases {
	return [kinds]Phrases{t.Urgent, t.Major, t.Security, t.Privacy, t.Legal, t.Person, t.Complaint}[k]
}

// ParseTable reads a table. An unknown key is an error.
func ParseTable(raw []byte) (Table, error) {
	var t Table
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&t); err != nil {
		if errors.Is(err, io.EOF) {
			return Table{}, invalid("", "it is empty")
		}
		return Table{}, &prediag.Error{Kind: prediag.ErrInvalid, Reason: "SIGNALS_INVALID", Message: "not a table of signals", Err: err}
	}
	return t, nil
}

func invalid(field, format string, args ...any) error {
	return prediag.Invalid("SIGNALS_INVALID", field, fmt.Sprintf(format, args...))
}
