package classifier

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"prediag"
)

// someLessons makes lessons of so many words each.
func someLessons(n, words int) []Lesson {
	r := rand.New(rand.NewPCG(1, 1))
	out := make([]Lesson, n)
	for i := range out {
		var s strings.Builder
		for range words {
			fmt.Fprintf(&s, "word%d ", int(1000/(1+100*r.Float64()))+int(300*r.ExpFloat64()))
		}
		out[i] = Lesson{ID: fmt.Sprint("c-", i), Example: prediag.Example{
			Ticket: prediag.Ticket{Title: fmt.Sprintf("Problem %d with the tunnel", i), Body: s.String()},
			Labels: map[string]string{prediag.FieldCategory: fmt.Sprint("label", i%7)}, Article: fmt.Sprint("article", i%11),
		}}
	}
	return out
}

func taught(t testing.TB, list []Lesson) *Memory {
	t.Helper()
	m := NewMemory(sure(), MemoryOptions{})
	for _, err := range m.LearnAll(list) {
		require.NoError(t, err)
	}
	return m
}

func TestRestoredLessonsCountAsBefore(t *testing.T) {
	list := someLessons(120, 30)
	m := taught(t, list)
	require.True(t, m.Forget("c-3"))
	require.NoError(t, m.Learn(list[5])) // now the newest
	file, mark := filepath.Join(t.TempDir(), "lessons.bin"), Mark{Sequence: 121, ID: "c-5", At: time.UnixMicro(1_700_000_000_123_456).UTC()}
	require.NoError(t, m.Save(file, mark))

	back := NewMemory(sure(), MemoryOptions{})
	require.NoError(t, back.Learn(lessonFor("other", "dns")))
	got, err := back.Restore(file)
	require.NoError(t, err)
	require.Equal(t, mark, got)
	require.Equal(t, 119, back.Len(), "what the memory had before is gone")
	for _, l := range list {
		ticket := l.Example.Ticket
		ticket.Body += " please help"
		require.Equal(t, m.Article(ticket), back.Article(ticket), l.ID)
		want, _ := m.Classify(t.Context(), ticket)
		have, _ := back.Classify(t.Context(), ticket)
		require.Equal(t, want, have)
	}
	require.Equal(t, "c-5", back.oldest[len(back.oldest)-1].id)
	require.NoError(t, back.Learn(lessonFor("c-7", "dns")), "a later lesson takes the place of a restored one")
	require.Equal(t, "dns", classify(t, back, decided).Fields[0].Label)
	require.Equal(t, 119, back.Len())

	small := NewMemory(sure(), MemoryOptions{Max: 10})
	_, err = small.Restore(file)
	require.NoError(t, err)
	require.Equal(t, 10, small.Len(), "the newest ones")
	require.Equal(t, "article5", small.Article(list[5].Example.Ticket))
}

func TestDamagedLessonsAreRefused(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "lessons.bin")
	m := taught(t, someLessons(3, 12))
	_, err := m.Restore(file)
	require.ErrorIs(t, err, prediag.ErrNotFound)
	require.NoError(t, m.Save(file, Mark{}))
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	for at := range whole {
		for _, damaged := range [][]byte{whole[:at], slices.Concat(whole[:at], []byte{whole[at] ^ 0x10}, whole[at+1:])} {
			_, _, err := decodeLessons(damaged)
			require.Error(t, err, "byte %d", at)
		}
	}
	require.NoError(t, os.WriteFile(file, whole[:len(whole)-1], 0o600))
	_, err = m.Restore(file)
	require.ErrorIs(t, err, prediag.ErrDamaged)
	require.ErrorContains(t, err, "read from the record instead")
	require.Equal(t, 3, m.Len(), "nothing is changed")
	require.ErrorContains(t, m.Save(filepath.Join(dir, "missing", "x"), Mark{}), "save lessons")
	require.NoFileExists(t, file+".new")
}

// TestLessonsOfAnotherProgramAreRefused: features that are made in another way find no twins.
func TestLessonsOfAnotherProgramAreRefused(t *testing.T) {
	b := encodeLessons(nil, Mark{})
	_, _, err := decodeLessons(b)
	require.NoError(t, err)
	b[len(memoryMagic)]++
	_, _, err = decodeLessons(sealed(b))
	require.ErrorContains(t, err, "another version of the program")
	require.Equal(t, featuresOfSketches(), featuresOfSketches())
}

func TestMemoriesShareLessons(t *testing.T) {
	m := NewMemory(sure(), MemoryOptions{})
	other := m.Around(sure())
	require.NoError(t, other.Learn(lessonFor("c-1", "dns")))
	require.Equal(t, "dns", classify(t, m, decided).Fields[0].Label)
	require.True(t, m.Forget("c-1"))
	require.Equal(t, "vpn", classify(t, other, decided).Fields[0].Label)
}

func TestLearnAllTellsWhichItRefuses(t *testing.T) {
	m := NewMemory(sure(), MemoryOptions{})
	errs := m.LearnAll([]Lesson{lessonFor("a", "dns"), {ID: "b"}, lessonFor("c", "mail")})
	require.NoError(t, errs[0])
	require.ErrorIs(t, errs[1], prediag.ErrInvalid)
	require.NoError(t, errs[2])
	require.Equal(t, "mail", classify(t, m, decided).Fields[0].Label, "the last one is the newest")
	require.Empty(t, m.LearnAll(nil))
}

// TestPostings compares them with plain maps, while lists come and go and are built anew.
func TestPostings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		features := rapid.SliceOfNDistinct(rapid.Uint32(), 1, 12, rapid.ID[uint32]).Draw(t, "features")
		features = append(features, 0, 1<<32-1, 1<<26-1, 1<<26)
		want := map[int32][]uint32{}
		var p postings
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			place := rapid.Int32Range(0, 9).Draw(t, "place")
			switch list, held := want[place]; {
			case rapid.IntRange(0, 9).Draw(t, "build") == 0:
				lists := make([][]uint32, 10)
				for place, list := range want {
					lists[place] = list
				}
				p = invert(lists)
			case held:
				for _, h := range list {
					p.remove(h, place)
				}
				delete(want, place)
			default:
				list = rapid.SliceOfDistinct(rapid.SampledFrom(features), rapid.ID[uint32]).Draw(t, "list")
				slices.Sort(list)
				for _, h := range list {
					p.add(h, place)
				}
				want[place] = list
			}
			for _, h := range append(features, 77) {
				var places []int32
				for place, list := range want {
					if slices.Contains(list, h) {
						places = append(places, place)
					}
				}
				require.ElementsMatch(t, places, p.of(h), "feature %x", h)
			}
		}
	})
}

func TestMemoryFileRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var list []*lesson
		for i := range rapid.IntRange(0, 8).Draw(t, "lessons") {
			hashes := rapid.SliceOfNDistinct(rapid.Uint32(), 0, 20, rapid.ID[uint32]).Draw(t, "hashes")
			slices.Sort(hashes)
			list = append(list, &lesson{
				id: fmt.Sprint(i, rapid.String().Draw(t, "id")), article: rapid.String().Draw(t, "article"),
				labels: rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "labels"),
				sketch: sketch{hashes: hashes, order: rapid.Uint64().Draw(t, "order")},
			})
		}
		mark := Mark{Sequence: rapid.Int64().Draw(t, "sequence"), ID: rapid.String().Draw(t, "case"), At: time.UnixMicro(rapid.Int64Range(1, 1<<50).Draw(t, "at")).UTC()}
		b := encodeLessons(list, mark)
		back, got, err := decodeLessons(b)
		require.NoError(t, err)
		require.Equal(t, mark, got)
		require.Equal(t, b, encodeLessons(back, got))
	})
}

// sealed gives an altered file its checksum.
func sealed(b []byte) []byte {
	b = bytes.Clone(b[:len(b)-32])
	w := &lessonWriter{b: b}
	return w.seal()
}

func FuzzDecodeLessons(f *testing.F) {
	m := taught(f, someLessons(2, 5))
	f.Add(encodeLessons(m.oldest, Mark{Sequence: 2, ID: "c-1"}))
	f.Add([]byte(memoryMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > len(memoryMagic)+8+32 { // else the checksum hides everything
			b = sealed(b)
		}
		list, mark, err := decodeLessons(b)
		if err != nil {
			return
		}
		again, _, err := decodeLessons(encodeLessons(list, mark))
		require.NoError(t, err)
		require.Len(t, again, len(list))
		fresh := NewMemory(sure(), MemoryOptions{})
		fresh.replace(list)
		fresh.Article(prediag.Ticket{Body: decided})
	})
}

// BenchmarkLessons measures 50,000 lessons of 60 words: taken in from their texts, saved, and restored.
func BenchmarkLessons(b *testing.B) {
	list := someLessons(50_000, 60)
	m := taught(b, nil)
	file := filepath.Join(b.TempDir(), "lessons.bin")
	b.Run("learn", func(b *testing.B) {
		for b.Loop() {
			m = taught(b, nil)
			m.LearnAll(list)
		}
	})
	b.Run("save", func(b *testing.B) {
		for b.Loop() {
			require.NoError(b, m.Save(file, Mark{}))
		}
	})
	b.Run("restore", func(b *testing.B) {
		for b.Loop() {
			_, err := m.Restore(file)
			require.NoError(b, err)
		}
	})
	b.Run("find", func(b *testing.B) {
		for b.Loop() {
			m.Article(list[0].Example.Ticket)
		}
	})
}
