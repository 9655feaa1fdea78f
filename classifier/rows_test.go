package classifier

import (
	"bufio"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"prediag"
)

// drawing makes n tickets of so many words over so many labels, for trainings of any size: the words are Zipf-distributed
// (exponent 1.1, 50,000 of them), and a third of them are those of the label, 200 each.
func drawing(n, labels, words int, seed uint64) iter.Seq[prediag.Example] {
	return func(yield func(prediag.Example) bool) {
		random := rand.New(rand.NewPCG(seed, 1))
		common, own := rand.NewZipf(random, 1.1, 1, 50_000), rand.NewZipf(random, 1.1, 1, 199)
		for i := range n {
			label := random.IntN(labels)
			var b strings.Builder
			for range words {
				if random.IntN(3) == 0 {
					b.WriteString(drawnWord(uint64(label)*200 + own.Uint64() + 50_001))
				} else {
					b.WriteString(drawnWord(common.Uint64()))
				}
				b.WriteByte(' ')
			}
			e := prediag.Example{
				Ticket: prediag.Ticket{ID: fmt.Sprint(i), Body: b.String()}, Labels: map[string]string{"category": fmt.Sprint(label)},
			}
			if !yield(e) {
				return
			}
		}
	}
}

func drawn(n, labels, words int, seed uint64) []prediag.Example {
	return slices.Collect(drawing(n, labels, words, seed))
}

// drawnWord spells a number in syllables, scattered so that neighbours do not look alike.
func drawnWord(n uint64) string {
	const consonants, vowels = "bcdfghjklmnprstv", "aeio"
	var b []byte
	for x := n*0x9e3779b1%(1<<24) + 1<<10; x > 0; x >>= 6 {
		b = append(b, consonants[x&15], vowels[x>>4&3])
	}
	return string(b)
}

// Rows that are made anew are those of the matrix, and a network learns the same from either, with any workers.
func TestRowsMadeAnewAreTheSame(t *testing.T) {
	t.Parallel()
	kept := &trainer{opt: Options{Workers: 2}, recipe: defaultRecipe(), examples: drawn(60, 4, 12, 1)}
	kept.opt.setDefaults(60)
	require.NoError(t, kept.features(t.Context()))
	kept.label("category")
	anew := newRemake(kept.examples, kept.recipe, kept.vocab)
	for i := range kept.examples {
		require.Equal(t, kept.task.x.row(i), anew.row(i))
	}
	l := kept.learner()
	l.epochs = 2
	want, err := l.learn(t.Context(), kept.task)
	require.NoError(t, err)
	kept.task.x, l.workers = anew, 3
	got, err := l.learn(t.Context(), kept.task)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.InDelta(t, kept.density, meanFeatures(anew, 60), 0.01)
}

// A training tells of as many steps as it said that it would, at whatever grain.
func TestProgressIsToldAsOftenAsWanted(t *testing.T) {
	t.Parallel()
	task, _ := toy(40)
	for _, ticks := range []int{1, 7, 50} {
		told := 0
		l := learner{hidden: 8, epochs: 3, batch: 16, rate: 0.1, outRate: 0.1, workers: 1, ticks: ticks, progress: func() { told++ }}
		_, err := l.learn(t.Context(), task)
		require.NoError(t, err)
		require.Equal(t, 3*ticks, told)
	}
}

// BenchmarkDraw writes as many drawn tickets of 200 labels and 40 words as PREDIAG_BENCH_EXAMPLES says to the file
// PREDIAG_BENCH_FILE, for the command "train" to be measured with.
func BenchmarkDraw(b *testing.B) {
	n, file := os.Getenv("PREDIAG_BENCH_EXAMPLES"), os.Getenv("PREDIAG_BENCH_FILE")
	if n == "" || file == "" {
		b.Skip("PREDIAG_BENCH_EXAMPLES and PREDIAG_BENCH_FILE are not set")
	}
	number, err := strconv.Atoi(n)
	require.NoError(b, err)
	for b.Loop() {
		f, err := os.Create(file)
		require.NoError(b, err)
		w := bufio.NewWriter(f)
		lines := json.NewEncoder(w)
		for e := range drawing(number, 200, 40, 1) {
			require.NoError(b, lines.Encode(map[string]string{"id": e.Ticket.ID, "text": e.Ticket.Body, "category": e.Labels["category"]}))
		}
		require.NoError(b, w.Flush())
		require.NoError(b, f.Close())
	}
}
