package classifier

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"prediag"
)

// Mark is the last decision of a record that a memory knows. The zero value knows none.
type Mark struct {
	Sequence int64 // of the decision; see review.Example
	ID       string
	At       time.Time // to the microsecond
}

const (
	memoryMagic = "PDLESSONS1\n"
	maxMemory   = 1 << 30 // bytes of the file
	maxLabel    = 1 << 20 // bytes of one string in it
	maxLabels   = 1 << 16 // of one lesson
)

// Save writes the lessons to a file, beside it first and then by one rename, with the last decision that they rest on.
// The file holds no text of a ticket, only hashes of its words. It is a copy of what the record holds, so it is not
// synchronised to disk: a checksum tells when it is not whole. One call at a time for a file.
func (m *Memory) Save(path string, mark Mark) error {
	m.mu.RLock()
	list := slices.DeleteFunc(slices.Clone(m.oldest), func(l *lesson) bool { return l.gone })
	m.mu.RUnlock()
	b := encodeLessons(list, mark)
	temp := path + ".new" // left over by a process that was killed, it is written over
	err := os.WriteFile(temp, b, 0o600)
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return fmt.Errorf("save lessons: %w", err)
	}
	return nil
}

// Restore puts the lessons of a file in the place of those that the memory has, and returns the mark that it was saved with.
// The error is of kind prediag.ErrNotFound where there is no file, and of kind prediag.ErrDamaged where it is not whole or
// another version of the program made the features of its lessons; then nothing is changed.
func (m *Memory) Restore(path string) (Mark, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Mark{}, &prediag.Error{Kind: prediag.ErrNotFound, Reason: "LESSONS_NOT_FOUND", Message: fmt.Sprintf("there are no saved lessons %q", path)}
	}
	if err == nil && info.Size() > maxMemory {
		return Mark{}, damagedLessons(path, fmt.Errorf("has %d bytes, at most %d are read", info.Size(), maxMemory))
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return Mark{}, fmt.Errorf("read lessons: %w", err)
	}
	list, mark, err := decodeLessons(b)
	if err != nil {
		return Mark{}, damagedLessons(path, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.replace(list[max(0, len(list)-m.opt.Max):])
	return mark, nil
}

func damagedLessons(path string, err error) error {
	return &prediag.Error{Kind: prediag.ErrDamaged, Reason: "LESSONS_DAMAGED", Err: err,
		Message: fmt.Sprintf("the saved lessons %q cannot be used: they are read from the record instead", path)}
}

// replace puts lessons in the place of all others; the caller holds the lock.
func (m *lessons) replace(list []*lesson) {
	m.clock, m.byID, m.oldest = 0, make(map[string]*lesson, len(list)), list
	m.twins = twinIndex{lessons: slices.Clone(list)}
	for i, l := range list {
		m.clock++
		l.at, l.place = m.clock, int32(i)
		m.byID[l.id] = l
	}
	m.twins.build()
}

// featuresOfSketches tells by an example how this program makes sketches: lessons of a program that makes other ones
// cannot be compared.
func featuresOfSketches() uint64 {
	s := sketchOf(redacted(prediag.Ticket{
		Title: "RE: Kernel-Panic auf Node-7, Übertragung 50 %",
		Body: "Hello team,\n\nthe VPN gateway (vpn-gw.3) fails with ErrCode APIGW.0301 after 10,000 requests. call me at [PHONE-1]\n" +
			"域名解析失败，無法登錄。ログインできません。 로그인이 안 됩니다. не работает वेब साइट เว็บไซต์\n\n> quoted before\n\nBest regards,\nAnna",
	}))
	h := uint64(fnvOffset) ^ s.order
	for _, x := range s.hashes {
		h = (h ^ uint64(x)) * fnvPrime
	}
	return h ^ sketchSize
}

// encodeLessons writes what tells how sketches are made, the mark, and of each lesson ID, article, labels, order of the words
// and number of features; then all features, little-endian; then the SHA-256 of all that. Labels and articles are many times
// the same: each is written once, where it is new.
func encodeLessons(list []*lesson, mark Mark) []byte {
	w := &lessonWriter{known: map[string]uint64{}}
	w.b = append(w.b, memoryMagic...)
	w.b = binary.LittleEndian.AppendUint64(w.b, featuresOfSketches())
	w.b = binary.AppendVarint(w.b, mark.Sequence)
	w.text(mark.ID)
	w.b = binary.AppendVarint(w.b, micros(mark.At))
	w.number(len(list))
	for _, l := range list {
		w.text(l.id)
		w.often(l.article)
		w.number(len(l.labels))
		for _, field := range slices.Sorted(maps.Keys(l.labels)) {
			w.often(field)
			w.often(l.labels[field])
		}
		w.b = binary.LittleEndian.AppendUint64(w.b, l.sketch.order)
		w.number(len(l.sketch.hashes))
	}
	for _, l := range list {
		for _, h := range l.sketch.hashes {
			w.b = binary.LittleEndian.AppendUint32(w.b, h)
		}
	}
	return w.seal()
}

// micros is a time in microseconds since 1970; 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

type lessonWriter struct {
	b     []byte
	known map[string]uint64
}

// seal appends the checksum.
func (w *lessonWriter) seal() []byte {
	sum := sha256.Sum256(w.b)
	return append(w.b, sum[:]...)
}

func (w *lessonWriter) number(n int) { w.b = binary.AppendUvarint(w.b, uint64(n)) }

func (w *lessonWriter) text(s string) {
	w.number(len(s))
	w.b = append(w.b, s...)
}

// often writes a number, and behind a new one the text that it stands for.
func (w *lessonWriter) often(s string) {
	at, ok := w.known[s]
	if !ok {
		at = uint64(len(w.known))
		w.known[s] = at
	}
	w.b = binary.AppendUvarint(w.b, at)
	if !ok {
		w.text(s)
	}
}

// decodeLessons reads what encodeLessons wrote.
func decodeLessons(b []byte) ([]*lesson, Mark, error) {
	at := len(b) - sha256.Size
	if at < len(memoryMagic)+8 || !bytes.HasPrefix(b, []byte(memoryMagic)) {
		return nil, Mark{}, errors.New("is no file of lessons of this version")
	}
	if sum := sha256.Sum256(b[:at]); !bytes.Equal(sum[:], b[at:]) {
		return nil, Mark{}, errors.New("does not have its checksum")
	}
	b = b[len(memoryMagic):at]
	if binary.LittleEndian.Uint64(b) != featuresOfSketches() {
		return nil, Mark{}, errors.New("holds features that another version of the program made")
	}
	r := &lessonReader{varints: varints{b: b[8:]}}
	mark, list := r.mark(), r.lessons()
	if r.bad || len(r.b) != 4*r.features {
		return nil, Mark{}, errShort
	}
	return list, mark, r.fill(list)
}

type lessonReader struct {
	varints
	known    []string
	sizes    []int // features of each lesson
	features int   // of all together
}

func (r *lessonReader) signed() int64 {
	x, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return x
}

func (r *lessonReader) mark() Mark {
	m := Mark{Sequence: r.signed(), ID: r.text(maxLabel)}
	if at := r.signed(); at != 0 {
		m.At = time.UnixMicro(at).UTC()
	}
	return m
}

func (r *lessonReader) often() string {
	at := r.next()
	if at < uint64(len(r.known)) {
		return r.known[at]
	}
	if at != uint64(len(r.known)) {
		r.bad, r.b = true, nil
		return ""
	}
	s := r.text(maxLabel)
	r.known = append(r.known, s)
	return s
}

func (r *lessonReader) lessons() []*lesson {
	n := r.next()
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	seen, out := make(map[string]bool, n), make([]*lesson, 0, n)
	for range n {
		l := r.lesson()
		if r.bad = r.bad || l.id == "" || seen[l.id]; r.bad {
			return nil
		}
		seen[l.id] = true
		out = append(out, l)
	}
	return out
}

func (r *lessonReader) lesson() *lesson {
	l := &lesson{id: r.text(maxLabel), article: r.often()}
	labels := r.next()
	if r.bad || labels > maxLabels {
		r.bad = true
		return l
	}
	l.labels = map[string]string{}
	for range labels {
		field := r.often()
		l.labels[field] = r.often()
	}
	if r.bad = r.bad || len(r.b) < 8; r.bad {
		return l
	}
	l.sketch.order, r.b = binary.LittleEndian.Uint64(r.b), r.b[8:]
	size := r.next()
	if r.bad = r.bad || size > sketchSize; !r.bad {
		r.sizes, r.features = append(r.sizes, int(size)), r.features+int(size)
	}
	return l
}

// fill reads the features of the lessons, ascending within each.
func (r *lessonReader) fill(list []*lesson) error {
	all := make([]uint32, 0, r.features)
	for i, l := range list {
		from := len(all)
		for range r.sizes[i] {
			h := binary.LittleEndian.Uint32(r.b)
			if r.b = r.b[4:]; len(all) > from && h <= all[len(all)-1] {
				return fmt.Errorf("holds features of lesson %q that do not ascend", l.id)
			}
			all = append(all, h)
		}
		l.sketch.hashes = all[from:len(all):len(all)]
	}
	return nil
}
