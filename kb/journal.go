package kb

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"

	"prediag/internal/vector"
)

// The journal keeps the vectors that builds got until a generation holds them all: a build that is killed after an hour at an endpoint
// loses a second. It is no part of a generation.
//
// Layout: magic, SHA-256 of Embedding.source, dimensions, bytes of a row; then records of the text's hash, the scale, the row and a
// CRC-32 of these. A record that was cut off ends the journal.
const (
	journalName     = "vectors.journal"
	journalMagic    = "PDJRN\x00\x00\x01"
	journalHeader   = 8 + sha256.Size + 8
	maxJournalBytes = 4 << 30
)

type journal struct {
	rows   map[vector.Hash]vector.Row
	file   *os.File
	source [sha256.Size]byte
	dims   int // 0: nothing was written yet
	size   int // bytes of a row
	buf    bytes.Buffer
}

// openJournal reads the journal of vectors of a source; one of another source is emptied.
func openJournal(name, source string) (*journal, error) {
	j := &journal{source: sha256.Sum256([]byte(source))}
	data, err := readJournal(name)
	if err != nil {
		return nil, err
	}
	good := j.parse(data)
	if j.file, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return nil, fmt.Errorf("journal of vectors: %w", err)
	}
	err = j.file.Truncate(int64(good))
	if err == nil {
		_, err = j.file.Seek(0, io.SeekEnd)
	}
	if err != nil {
		return nil, errors.Join(err, j.file.Close())
	}
	return j, nil
}

func readJournal(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() > maxJournalBytes {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("journal of vectors: %w", err)
	}
	return os.ReadFile(name)
}

// parse reads the records up to the first that is not whole, and returns where it begins.
func (j *journal) parse(data []byte) int {
	j.rows = map[vector.Hash]vector.Row{}
	if len(data) < journalHeader || string(data[:8]) != journalMagic || [sha256.Size]byte(data[8:]) != j.source {
		return 0
	}
	dims := int(binary.LittleEndian.Uint32(data[8+sha256.Size:]))
	size := int(binary.LittleEndian.Uint32(data[8+sha256.Size+4:]))
	if dims < 1 || dims > vector.MaxDimensions || size != len(vector.NewRow(make([]float32, dims)).Bytes) {
		return 0
	}
	j.dims, j.size = dims, size
	record := len(vector.Hash{}) + 4 + size + 4
	at := journalHeader
	for ; at+record <= len(data); at += record {
		r := data[at : at+record]
		if crc32.ChecksumIEEE(r[:record-4]) != binary.LittleEndian.Uint32(r[record-4:]) {
			break
		}
		scale := math.Float32frombits(binary.LittleEndian.Uint32(r[16:]))
		j.rows[vector.Hash(r[:16])] = vector.Row{Bytes: r[20 : 20+size], Scale: scale, Dimensions: dims}
	}
	return at
}

// add notes the row of a text; sync makes it durable. Rows of another length than the first are left out.
func (j *journal) add(text vector.Hash, row vector.Row) {
	if j.dims == 0 {
		j.dims, j.size = row.Dimensions, len(row.Bytes)
		j.buf.WriteString(journalMagic)
		j.buf.Write(j.source[:])
		j.buf.Write(binary.LittleEndian.AppendUint32(nil, uint32(j.dims)))
		j.buf.Write(binary.LittleEndian.AppendUint32(nil, uint32(j.size)))
	}
	if row.Dimensions != j.dims {
		return
	}
	r := binary.LittleEndian.AppendUint32(append([]byte{}, text[:]...), math.Float32bits(row.Scale))
	r = append(r, row.Bytes...)
	j.buf.Write(binary.LittleEndian.AppendUint32(r, crc32.ChecksumIEEE(r)))
}

func (j *journal) sync() error {
	if j.buf.Len() == 0 {
		return nil
	}
	if _, err := j.buf.WriteTo(j.file); err != nil {
		return fmt.Errorf("journal of vectors: %w", err)
	}
	return j.file.Sync()
}

func (j *journal) close() error { return j.file.Close() }
