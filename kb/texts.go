package kb

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	index "github.com/blevesearch/bleve_index_api"

	"prediag"
	"prediag/internal/pack"
)

// The texts of articles are stored packed, each by itself, against a dictionary that the first articles of the knowledge
// base have taught. The dictionary is a file of the generation, and all later ones share it: what was packed stays as it
// is. A knowledge base that is too small for one stores its texts as they are, which Bleve compresses a little.
const (
	dictName     = "texts.dict"
	leastTaught  = 1 << 20 // bytes of text from which on a batch teaches a dictionary
	plainText    = 0       // the first byte of a stored text
	packedText   = 1
	maxDictBytes = 1 << 20
)

// storedText is what the index stores of an article's text, made with its text field.
type storedText struct{ of *tokenField }

func (s storedText) Name() string                                     { return fieldStored }
func (s storedText) Value() []byte                                    { return s.of.stored }
func (s storedText) ArrayPositions() []uint64                         { return nil }
func (s storedText) EncodedFieldType() byte                           { return 't' }
func (s storedText) Analyze()                                         {}
func (s storedText) Options() index.FieldIndexingOptions              { return index.StoreField }
func (s storedText) AnalyzedLength() int                              { return 0 }
func (s storedText) AnalyzedTokenFrequencies() index.TokenFrequencies { return nil }
func (s storedText) NumPlainTextBytes() uint64                        { return 0 }
func (s storedText) Size() int                                        { return 16 }

// joinText is an article's description and body in one.
func joinText(meta []byte, body string) []byte {
	out := make([]byte, 0, binary.MaxVarintLen32+len(meta)+len(body))
	out = append(binary.AppendUvarint(out, uint64(len(meta))), meta...)
	return append(out, body...)
}

// packText is what the index stores of joinText's result.
func packText(p *pack.Packer, text []byte) []byte {
	if p == nil {
		return append([]byte{plainText}, text...)
	}
	return p.Pack([]byte{packedText}, text)
}

// unpackText is the inverse of packText and joinText. The result is the caller's own.
func unpackText(d *pack.Dict, stored []byte) (meta, body []byte, err error) {
	if len(stored) == 0 || stored[0] > packedText || stored[0] == packedText && d == nil {
		return nil, nil, fmt.Errorf("stored article: %w", prediag.ErrDamaged)
	}
	text := stored[1:]
	if stored[0] == plainText {
		text = slices.Clone(text)
	} else if text, err = d.Unpack(nil, text); err != nil {
		return nil, nil, fmt.Errorf("stored article: %w: %w", prediag.ErrDamaged, err)
	}
	size, n := binary.Uvarint(text)
	if n <= 0 || size > uint64(len(text)-n) {
		return nil, nil, fmt.Errorf("stored article: %w", prediag.ErrDamaged)
	}
	return text[n : n+int(size)], text[n+int(size):], nil
}

// readDict reads the dictionary of the generation in dir; nil: it has none.
func readDict(dir string) (*pack.Dict, error) {
	f, err := os.Stat(filepath.Join(dir, dictName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil || f.Size() > maxDictBytes {
		return nil, fmt.Errorf("dictionary of texts: %w: %w", prediag.ErrDamaged, err)
	}
	data, err := os.ReadFile(filepath.Join(dir, dictName))
	if err != nil {
		return nil, fmt.Errorf("dictionary of texts: %w", err)
	}
	d, err := pack.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("dictionary of texts: %w: %w", prediag.ErrDamaged, err)
	}
	return d, nil
}

// teach makes the build's dictionary out of the batch, if it has none and the batch has enough text.
func (b *builder) teach() {
	if b.dict != nil || b.text < leastTaught {
		return
	}
	var sample [][]byte
	for _, id := range b.order {
		if fields, ok := b.fields[id]; ok {
			sample = append(sample, fields[0].plain())
		}
	}
	b.usePacker(pack.Train(sample))
}

// writeDict writes the build's dictionary, or shares the base's.
func (b *builder) writeDict(ctx context.Context, unchanged map[string]fileSum) error {
	name := filepath.Join(b.dir, dictName)
	switch {
	case b.dict == nil:
		return nil
	case b.base != nil && b.base.texts == b.dict:
		return b.share(ctx, dictName, unchanged)
	}
	return writeFile(name, b.dict.Encode())
}

// usePacker gives the analyzers, which must all be free, packers for a dictionary.
func (b *builder) usePacker(d *pack.Dict) {
	b.dict = d
	for range cap(b.analyzers) {
		a := <-b.analyzers
		a.packer = d.NewPacker()
		b.analyzers <- a
	}
}
