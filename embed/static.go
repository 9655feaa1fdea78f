package embed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"prediag"
	"prediag/internal/vector"
)

const (
	maxModelBytes     = 2 << 30
	maxTokenizerBytes = 256 << 20
	maxStaticTokens   = 512 // of a text that count, as in Model2Vec
)

// Static is a model that knows one vector for each token: a text's is their mean. It reads the files of Model2Vec (Tulkens and van
// Dongen 2024, "Model2Vec: fast state-of-the-art static embeddings"): tokenizer.json, and model.safetensors with embeddings and,
// where there are, a weight for each token and a mapping from tokens to embeddings. It may be used by many goroutines at once.
type Static struct {
	id      string
	tokens  *tokenizer
	vectors tensor // rows × dims
	weights tensor // by token; empty: all 1
	mapping tensor // from token to row; empty: the same
	dims    int
}

// LoadStatic reads a model from its folder. A fault is of kind prediag.ErrInvalid and names the file.
func LoadStatic(folder string) (*Static, error) {
	weights, err := readModelFile(folder, "model.safetensors", maxModelBytes)
	if err != nil {
		return nil, err
	}
	words, err := readModelFile(folder, "tokenizer.json", maxTokenizerBytes)
	if err != nil {
		return nil, err
	}
	config, err := readModelFile(folder, "config.json", maxConfigBytes)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if len(config) > 0 && !json.Valid(config) {
		return nil, invalid("folder", "config.json of the model is no JSON")
	}
	sum := sha256.New()
	for _, raw := range [][]byte{weights, words} {
		one := sha256.Sum256(raw)
		sum.Write(one[:])
	}
	return newStatic("static "+hex.EncodeToString(sum.Sum(nil)[:8]), weights, words)
}

func readModelFile(folder, name string, most int64) ([]byte, error) {
	path := filepath.Join(folder, name)
	info, err := os.Stat(path)
	if err == nil && info.Size() > most {
		return nil, invalid("folder", "%q has %d bytes, at most %d are read", path, info.Size(), most)
	}
	var raw []byte
	if err == nil {
		raw, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, &prediag.Error{Kind: prediag.ErrInvalid, Reason: "EMBEDDINGS_INVALID", Field: "embeddings.folder", Err: err,
			Message: fmt.Sprintf("a static model is a folder with model.safetensors and tokenizer.json; %q cannot be read", path)}
	}
	return raw, nil
}

func newStatic(id string, weights, words []byte) (*Static, error) {
	tensors, err := parseTensors(weights)
	if err != nil {
		return nil, err
	}
	tokens, err := parseTokenizer(words)
	if err != nil {
		return nil, err
	}
	s := &Static{id: id, tokens: tokens, weights: tensors["weights"], mapping: tensors["mapping"]}
	var ok bool
	if s.vectors, ok = tensors["embeddings"]; !ok {
		s.vectors = tensors["embedding.weight"] // as Sentence Transformers names it
	}
	return s, s.check()
}

// check proves that every token has a row and a weight.
func (s *Static) check() error {
	bad := func(format string, args ...any) error {
		return prediag.Invalid("EMBEDDINGS_INVALID", "model.safetensors", fmt.Sprintf("model.safetensors: "+format, args...))
	}
	if len(s.vectors.shape) != 2 {
		return bad(`there is no tensor "embeddings" of two dimensions`)
	}
	rows, dims := s.vectors.shape[0], s.vectors.shape[1]
	if dims < 1 || dims > maxDimensions {
		return bad("vectors of %d components: 1 to %d are supported", dims, maxDimensions)
	}
	s.dims = dims
	need := s.tokens.size
	if s.weights.dtype != "" && s.weights.len() < need {
		return bad("%d weights for %d tokens", s.weights.len(), need)
	}
	if s.mapping.dtype == "" {
		if rows < need {
			return bad("%d vectors for %d tokens", rows, need)
		}
		return nil
	}
	if !s.mapping.whole() || s.mapping.len() < need {
		return bad("the mapping has %d numbers of type %s for %d tokens", s.mapping.len(), s.mapping.dtype, need)
	}
	for i := range need {
		if row := s.mapping.int(i); row < 0 || row >= rows {
			return bad("the mapping leads from token %d to row %d of %d", i, row, rows)
		}
	}
	return nil
}

// ID is a hash of the model's files.
func (s *Static) ID() string { return s.id }

// Passages returns the vectors of texts; nil for a text without a known token.
func (s *Static) Passages(ctx context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	for i, t := range texts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out[i] = s.embed(t)
	}
	return out, nil
}

// Query returns the vector of a text; nil where it has no known token.
func (s *Static) Query(ctx context.Context, text string) ([]float32, error) {
	return s.embed(text), ctx.Err()
}

// embed is the weighted sum of the token's vectors, of length 1; nil where there are none or they cancel out.
func (s *Static) embed(text string) []float32 {
	ids := s.tokens.encode(text)
	if len(ids) == 0 {
		return nil
	}
	sum := make([]float32, s.dims)
	for _, id := range ids[:min(len(ids), maxStaticTokens)] {
		row, weight := id, float32(1)
		if s.weights.dtype != "" {
			weight = s.weights.float(id)
		}
		if s.mapping.dtype != "" {
			row = s.mapping.int(id)
		}
		s.vectors.addTo(sum, row, weight)
	}
	if vector.Normalize(sum) != nil {
		return nil
	}
	return sum
}
