package embed

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"prediag"
)

// tokenizer cuts texts into the tokens of a model, as tokenizer.json of the tokenizers library describes it: normalizers,
// pre-tokenizers, and a model that is WordPiece, Unigram or WordLevel. Of these it reads what Model2Vec's models use, and refuses
// the rest by name. Unknown pieces give no token.
type tokenizer struct {
	normalize func(string) string
	split     func([]string) []string
	model     interface {
		tokens(word string, out []int) []int
	}
	size int // greatest token number plus 1
}

// described is any part of tokenizer.json. Fields that a type does not have stay empty.
type described struct {
	Type string `json:"type"`

	Normalizers   []described `json:"normalizers"`
	PreTokenizers []described `json:"pretokenizers"`

	CleanText    *bool `json:"clean_text"`
	HandleHan    *bool `json:"handle_chinese_chars"`
	StripAccents *bool `json:"strip_accents"`
	Lowercase    *bool `json:"lowercase"`

	StripLeft  *bool `json:"strip_left"`
	StripRight *bool `json:"strip_right"`

	Prepend string `json:"prepend"`
	Content string `json:"content"`
	Pattern struct {
		String *string `json:"String"`
		Regex  *string `json:"Regex"`
	} `json:"pattern"`

	Replacement    string `json:"replacement"`
	PrependScheme  string `json:"prepend_scheme"`
	AddPrefixSpace *bool  `json:"add_prefix_space"`
	Split          *bool  `json:"split"`
	Behavior       string `json:"behavior"`
	Individual     bool   `json:"individual_digits"`
}

type describedModel struct {
	Type    string          `json:"type"`
	Vocab   json.RawMessage `json:"vocab"`
	Unknown string          `json:"unk_token"`
	Prefix  *string         `json:"continuing_subword_prefix"`
	Longest *int            `json:"max_input_chars_per_word"`
	UnkID   *int            `json:"unk_id"`
}

func badTokenizer(format string, args ...any) error {
	return prediag.Invalid("EMBEDDINGS_INVALID", "tokenizer.json", fmt.Sprintf("tokenizer.json: "+format, args...))
}

// maxTokens bounds a vocabulary.
const maxTokens = 4 << 20

// parseTokenizer reads tokenizer.json. A fault is of kind prediag.ErrInvalid.
func parseTokenizer(raw []byte) (*tokenizer, error) {
	var file struct {
		Normalizer   *described     `json:"normalizer"`
		PreTokenizer *described     `json:"pre_tokenizer"`
		Model        describedModel `json:"model"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, badTokenizer("not understood: %v", err)
	}
	t := &tokenizer{normalize: func(s string) string { return s }, split: func(s []string) []string { return s }}
	var err error
	if file.Normalizer != nil {
		if t.normalize, err = normalizer(*file.Normalizer); err != nil {
			return nil, err
		}
	}
	if file.PreTokenizer != nil {
		if t.split, err = preTokenizer(*file.PreTokenizer); err != nil {
			return nil, err
		}
	}
	switch m := file.Model; m.Type {
	case "WordPiece", "":
		t.model, t.size, err = newWordPiece(m)
	case "WordLevel":
		t.model, t.size, err = newWordLevel(m)
	case "Unigram":
		t.model, t.size, err = newUnigram(m)
	default:
		err = badTokenizer("a model of type %.40q is not supported: WordPiece, WordLevel and Unigram are", m.Type)
	}
	return t, err
}

// encode returns the token numbers of a text, unknown ones left out.
func (t *tokenizer) encode(text string) []int {
	var out []int
	for _, word := range t.split([]string{t.normalize(strings.ToValidUTF8(text, "�"))}) {
		if word != "" {
			out = t.model.tokens(word, out)
		}
	}
	return out
}

// vocabulary reads a map from tokens to their numbers.
func (m describedModel) vocabulary() (map[string]int, int, error) {
	var vocab map[string]int
	if err := json.Unmarshal(m.Vocab, &vocab); err != nil {
		return nil, 0, badTokenizer("the vocabulary is not understood: %v", err)
	}
	size := 0
	for token, id := range vocab {
		if id < 0 || id >= maxTokens {
			return nil, 0, badTokenizer("token %.40q has the number %d", token, id)
		}
		size = max(size, id+1)
	}
	if size == 0 {
		return nil, 0, badTokenizer("the vocabulary is empty")
	}
	return vocab, size, nil
}

// wordPiece cuts words into the longest known pieces from the left (Schuster and Nakajima 2012; Devlin et al. 2019).
type wordPiece struct {
	vocab   map[string]int
	unknown string
	prefix  string
	longest int // characters of a word
}

func newWordPiece(m describedModel) (*wordPiece, int, error) {
	vocab, size, err := m.vocabulary()
	w := &wordPiece{vocab: vocab, unknown: m.Unknown, prefix: "##", longest: 100}
	if m.Prefix != nil {
		w.prefix = *m.Prefix
	}
	if m.Longest != nil {
		w.longest = min(max(*m.Longest, 1), 1000)
	}
	return w, size, err
}

func (w *wordPiece) tokens(word string, out []int) []int {
	if utf8.RuneCountInString(word) > w.longest {
		return out
	}
	first := len(out)
	for start := 0; start < len(word); {
		found := -1
		end := len(word)
		for ; end > start; end = start + lastRune(word[start:end]) {
			piece := word[start:end]
			if start > 0 {
				piece = w.prefix + piece
			}
			if id, ok := w.vocab[piece]; ok {
				if piece != w.unknown {
					found = id
				}
				break
			}
		}
		if found < 0 {
			return out[:first] // one unknown piece makes the word unknown
		}
		out, start = append(out, found), end
	}
	return out
}

// lastRune is where the last character of s begins.
func lastRune(s string) int {
	_, n := utf8.DecodeLastRuneInString(s)
	return len(s) - n
}

// wordLevel knows whole words.
type wordLevel struct {
	vocab   map[string]int
	unknown string
}

func newWordLevel(m describedModel) (*wordLevel, int, error) {
	vocab, size, err := m.vocabulary()
	return &wordLevel{vocab, m.Unknown}, size, err
}

func (w *wordLevel) tokens(word string, out []int) []int {
	if id, ok := w.vocab[word]; ok && word != w.unknown {
		return append(out, id)
	}
	return out
}

// unigram cuts a text into the pieces that are likeliest together (Kudo 2018), found by Viterbi's algorithm.
type unigram struct {
	pieces  map[string]int
	scores  []float64 // logarithms of probabilities
	unknown int       // number of the unknown token; negative: there is none
	longest int       // bytes of a piece
	least   float64   // score of a character that no piece covers
}

// unknownPenalty is how much less likely an uncovered character is than the least likely piece.
const unknownPenalty = 10

func newUnigram(m describedModel) (*unigram, int, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(m.Vocab, &list); err != nil {
		return nil, 0, badTokenizer("the vocabulary is not understood: %v", err)
	}
	if len(list) == 0 || len(list) > maxTokens {
		return nil, 0, badTokenizer("the vocabulary has %d pieces: 1 to %d are supported", len(list), maxTokens)
	}
	u := &unigram{pieces: make(map[string]int, len(list)), unknown: -1}
	if m.UnkID != nil {
		u.unknown = *m.UnkID
	}
	for i, raw := range list {
		var piece string
		var score float64
		if err := json.Unmarshal(raw, &[]any{&piece, &score}); err != nil {
			return nil, 0, badTokenizer("piece %d is not understood: %v", i, err)
		}
		if _, twice := u.pieces[piece]; !twice && piece != "" {
			u.pieces[piece] = i
		}
		u.scores = append(u.scores, score)
		u.longest, u.least = max(u.longest, len(piece)), min(u.least, score)
	}
	u.longest = min(u.longest, 256)
	u.least -= unknownPenalty
	return u, len(list), nil
}

func (u *unigram) tokens(word string, out []int) []int {
	type step struct {
		score float64
		from  int
		id    int // negative: unknown
	}
	best := make([]step, len(word)+1)
	for i := range best[1:] {
		best[i+1].score = math.Inf(-1)
	}
	for start := 0; start < len(word); {
		_, size := utf8.DecodeRuneInString(word[start:])
		if s := best[start].score + u.least; s > best[start+size].score {
			best[start+size] = step{s, start, -1}
		}
		for end := start + size; end <= len(word) && end-start <= u.longest; end++ {
			if id, ok := u.pieces[word[start:end]]; ok && id != u.unknown {
				if s := best[start].score + u.scores[id]; s > best[end].score {
					best[end] = step{s, start, id}
				}
			}
		}
		start += size
	}
	first := len(out)
	for at := len(word); at > 0; at = best[at].from {
		if id := best[at].id; id >= 0 {
			out = append(out, id)
		}
	}
	for i, j := first, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out
}
