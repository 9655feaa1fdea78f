package vector

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"

	"prediag"
)

// A segment is a file of vectors that is written once.
//
// Layout, all numbers little endian: a header of 64 bytes (magic of 8, dimensions and rows of 4 each, SHA-256 of the
// embedder's name, zeros); the vectors; a scale of 4 bytes for each; a key of 32 bytes for each.
const (
	segmentMagic = "PDVEC\x00\x00\x01"
	headerBytes  = 64
	keyBytes     = 2 * hashBytes
	hashBytes    = 16
	maxRows      = 1 << 26
)

// Hash names a text by the first half of its SHA-256.
type Hash [hashBytes]byte

// HashOf is the hash of a text.
func HashOf(s string) Hash {
	sum := sha256.Sum256([]byte(s))
	return Hash(sum[:hashBytes])
}

// Key says what a stored vector is of.
type Key struct {
	Article Hash // of the article's ID
	Text    Hash // of the text that was embedded
}

// Writer writes a segment.
type Writer struct {
	file *os.File
	buf  *bufio.Writer
	name [sha256.Size]byte
	dims int
	keys []Key
	rest []float32 // scales
	err  error
}

// Create begins a segment of vectors that the named embedder makes.
func Create(path, embedder string, dims int) (*Writer, error) {
	if dims < 1 || dims > MaxDimensions {
		return nil, prediag.Invalid("VECTOR_INVALID", "dimensions", fmt.Sprintf("vectors of %d components: 1 to %d are supported", dims, MaxDimensions))
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	w := &Writer{file: f, buf: bufio.NewWriterSize(f, 1<<20), name: sha256.Sum256([]byte(embedder)), dims: dims}
	_, w.err = w.buf.Write(make([]byte, headerBytes))
	return w, nil
}

// Add appends a row. It reports the first error at Close.
func (w *Writer) Add(key Key, r Row) {
	if w.err == nil && r.Dimensions != w.dims {
		w.err = fmt.Errorf("a vector of %d components among vectors of %d: %w", r.Dimensions, w.dims, prediag.ErrInvalid)
	}
	if w.err != nil {
		return
	}
	_, w.err = w.buf.Write(r.Bytes)
	w.keys, w.rest = append(w.keys, key), append(w.rest, r.Scale)
}

// Rows is how many rows were added.
func (w *Writer) Rows() int { return len(w.keys) }

// Close writes what is left and makes the file durable.
func (w *Writer) Close() error {
	for _, s := range w.rest {
		w.write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(s)))
	}
	for _, k := range w.keys {
		w.write(k.Article[:])
		w.write(k.Text[:])
	}
	if w.err == nil {
		w.err = w.buf.Flush()
	}
	if w.err == nil {
		_, w.err = w.file.WriteAt(header(w.dims, len(w.keys), w.name), 0)
	}
	if w.err == nil {
		w.err = w.file.Sync()
	}
	return errors.Join(w.err, w.file.Close())
}

func (w *Writer) write(p []byte) {
	if w.err == nil {
		_, w.err = w.buf.Write(p)
	}
}

func header(dims, rows int, name [sha256.Size]byte) []byte {
	h := append(make([]byte, 0, headerBytes), segmentMagic...)
	h = binary.LittleEndian.AppendUint32(h, uint32(dims))
	h = binary.LittleEndian.AppendUint32(h, uint32(rows))
	h = append(h, name[:]...)
	return h[:headerBytes]
}

// segment is a mapped file. Reading it may fault when the file is cut short meanwhile: callers are guarded.
type segment struct {
	mapped       []byte
	unmap        func() error
	dims, rows   int
	name         [sha256.Size]byte
	vectors      []byte
	scales, keys []byte
}

// parseSegment reads the layout of a segment. A fault is of kind prediag.ErrDamaged.
func parseSegment(data []byte) (segment, error) {
	damaged := func(format string, args ...any) (segment, error) {
		return segment{}, fmt.Errorf("vector segment: %s: %w", fmt.Sprintf(format, args...), prediag.ErrDamaged)
	}
	if len(data) < headerBytes || string(data[:8]) != segmentMagic {
		return damaged("no header")
	}
	s := segment{mapped: data, dims: int(binary.LittleEndian.Uint32(data[8:])), rows: int(binary.LittleEndian.Uint32(data[12:]))}
	s.name = [sha256.Size]byte(data[16:48])
	if s.dims < 1 || s.dims > MaxDimensions || s.rows > maxRows {
		return damaged("%d rows of %d components", s.rows, s.dims)
	}
	size := s.rows * stride(s.dims)
	if want := headerBytes + size + s.rows*(4+keyBytes); len(data) != want {
		return damaged("%d bytes where the header says %d", len(data), want)
	}
	rest := data[headerBytes:]
	s.vectors, rest = rest[:size], rest[size:]
	s.scales, s.keys = rest[:4*s.rows], rest[4*s.rows:]
	return s, nil
}

func openSegment(path string) (segment, error) {
	data, unmap, err := mapFile(path)
	if err != nil {
		return segment{}, fmt.Errorf("vector segment: %w", err)
	}
	s, err := parseSegment(data)
	if err != nil {
		return s, errors.Join(err, unmap())
	}
	s.unmap = unmap
	return s, nil
}

func (s *segment) scale(row int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(s.scales[4*row:]))
}

func (s *segment) key(row int) Key {
	k := s.keys[row*keyBytes:]
	return Key{Article: Hash(k[:hashBytes]), Text: Hash(k[hashBytes:keyBytes])}
}

// row is a stored vector; its bytes are the mapped ones.
func (s *segment) row(row int) Row {
	n := stride(s.dims)
	return Row{Bytes: s.vectors[row*n : (row+1)*n], Scale: s.scale(row), Dimensions: s.dims}
}
