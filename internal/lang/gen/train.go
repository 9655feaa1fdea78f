package main

import (
	_ "embed"
	"hash/fnv"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf8"

	"prediag/internal/lang/ngram"
)

// samples are lines by class.
type samples [][]string

// trainer learns one group by stochastic gradient descent with AdaGrad's rates (Duchi et al. 2011) on the multinomial
// logistic loss.
type trainer struct {
	spec    group
	tags    []string
	share   []float64
	rng     *rand.Rand
	train   samples
	held    samples
	weights []float32
	squares []float32
	p       []float32
	hashes  []uint32
	lists   map[int][]string // function words by class
	english []string         // lines to put pieces of into texts of other languages
}

func newTrainer(g group, c corpus, seed uint64) *trainer {
	of, tags, share := g.classes(c)
	t := &trainer{spec: g, tags: tags, share: share, rng: rand.New(rand.NewPCG(seed, 1))}
	t.train, t.held = make(samples, len(tags)), make(samples, len(tags))
	english := map[string]bool{}
	for _, line := range c["en"] {
		english[line] = true
	}
	if g.script == ngram.Latin {
		t.english = c["en"]
		c = maps.Clone(c)
		c["sr"] = append(latinised(c["sr"]), c["sr"]...)
	}
	for _, tag := range slices.Sorted(maps.Keys(c)) {
		class, ok := of[tag]
		if !ok {
			continue
		}
		for _, line := range c[tag] {
			if tag != "en" && english[line] || !written(line, g.script) {
				continue
			}
			if isHeld(line) {
				t.held[class] = append(t.held[class], line)
			} else {
				t.train[class] = append(t.train[class], line)
			}
		}
	}
	t.lists = map[int][]string{}
	for tag, words := range functionWords() {
		class, ok := of[tag]
		for _, w := range words {
			if r, _ := utf8.DecodeRuneInString(w); ok && ngram.ScriptOf(r) == g.script {
				t.lists[class] = append(t.lists[class], w)
			}
		}
	}
	for class := range tags {
		if len(t.train[class]) == 0 || len(t.held[class]) == 0 {
			t.share[class] = 0
		}
	}
	rows := 1 << g.bits
	t.weights, t.squares = make([]float32, rows*len(tags)), make([]float32, rows*len(tags))
	return t
}

// isHeld keeps a tenth of the lines out of training.
func isHeld(line string) bool {
	h := fnv.New32a()
	h.Write([]byte(line))
	return h.Sum32()%10 == 0
}

// written reports whether most letters of a line are of the script, and it is no identifier.
func written(line string, script ngram.Script) bool {
	own, all := 0, 0
	for sc := ngram.NewScanner(line); sc.Next(); {
		n := sc.Word.Letters
		if k := sc.Word.Script; k == script || script == ngram.Han && k == ngram.Kana {
			own += n
		}
		all += n
	}
	if script == ngram.Han {
		return own >= 3 && own*2 > all
	}
	return own >= 4 && own*10 >= all*6 && (strings.Contains(line, " ") || !strings.ContainsAny(line, "-_."))
}

// draw returns a class by its share, and a text of it.
func (t *trainer) draw(from samples) (int, string) {
	for {
		x, class := t.rng.Float64()*sum(t.share), 0
		for x > t.share[class] {
			x -= t.share[class]
			class++
		}
		if len(from[class]) == 0 {
			continue
		}
		if t.tags[class] == "en" && t.rng.Float64() < 0.12 {
			return class, strings.Join(mixed(t.rng, technicalPhrase(t.rng), nil), " ")
		}
		if list := t.lists[class]; len(list) > 0 && t.rng.Float64() < 0.12 {
			return class, t.run(list)
		}
		line := from[class][t.rng.IntN(len(from[class]))]
		words := window(t.rng, line)
		if t.spec.script == ngram.Latin || t.spec.script == ngram.Cyrillic {
			words = noisy(t.rng, words, t.english)
		}
		return class, strings.Join(words, " ")
	}
}

// technicalPhrase is the English of logs.
func technicalPhrase(rng *rand.Rand) []string {
	if rng.Float64() < 0.5 {
		return strings.Fields(phrases[rng.IntN(len(phrases))])
	}
	var out []string
	for range 2 + rng.IntN(5) {
		out = append(out, technical[rng.IntN(len(technical))])
	}
	return out
}

func sum(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s
}

// features hashes the words of the group's script.
func (t *trainer) features(s string) []uint32 {
	t.hashes = t.hashes[:0]
	for sc := ngram.NewScanner(s); sc.Next(); {
		if sc.Word.Script == t.spec.script {
			t.hashes = sc.Word.Features(t.hashes)
		}
	}
	return t.hashes
}

// predict fills p with the probabilities of the classes.
func (t *trainer) predict(features []uint32) []float32 {
	k, shift := len(t.tags), 32-t.spec.bits
	t.p = append(t.p[:0], make([]float32, k)...)
	for _, h := range features {
		row := t.weights[int(h>>shift)*k:][:k]
		for c, w := range row {
			t.p[c] += w
		}
	}
	norm := float32(1 / math.Sqrt(float64(len(features))))
	top := float32(math.Inf(-1))
	for c := range t.p {
		t.p[c] *= norm
		top = max(top, t.p[c])
	}
	total := float32(0)
	for c := range t.p {
		t.p[c] = float32(math.Exp(float64(t.p[c] - top)))
		total += t.p[c]
	}
	for c := range t.p {
		t.p[c] /= total
	}
	return t.p
}

func (t *trainer) step(class int, features []uint32, rate float32) {
	if len(features) == 0 {
		return
	}
	p := t.predict(features)
	p[class]--
	k, shift := len(t.tags), 32-t.spec.bits
	norm := float32(1 / math.Sqrt(float64(len(features))))
	for _, h := range features {
		at := int(h>>shift) * k
		w, sq := t.weights[at:][:k], t.squares[at:][:k]
		for c, g := range p {
			g *= norm
			if g < 1e-5 && g > -1e-5 {
				continue
			}
			sq[c] += g * g
			w[c] -= rate * g / float32(math.Sqrt(float64(sq[c])+1e-6))
		}
	}
}

// learn draws texts, and once on the way drops the lines that are not in the language of their file.
func (t *trainer) learn() {
	for i := range t.spec.draws {
		if i == t.spec.draws/3 {
			t.purge()
		}
		rate := 0.3 * float32(1-0.9*float64(i)/float64(t.spec.draws))
		class, s := t.draw(t.train)
		t.step(class, t.features(s), rate)
	}
}

// purge drops lines that the model is sure to be of another language: messages nobody translated, names, credits.
func (t *trainer) purge() {
	for _, set := range []samples{t.train, t.held} {
		for class := range set {
			set[class] = slices.DeleteFunc(set[class], func(line string) bool {
				f := t.features(line)
				if len(f) == 0 {
					return true
				}
				p := t.predict(f)
				best := slices.Max(p)
				return p[class] < 0.02 && best > 0.9
			})
		}
	}
}

// quantised returns the model.
func (t *trainer) quantised() ngram.Group {
	abs := make([]float64, 0, len(t.weights))
	for _, w := range t.weights {
		if w != 0 {
			abs = append(abs, math.Abs(float64(w)))
		}
	}
	slices.Sort(abs)
	scale := abs[len(abs)*9995/10000] / 127
	g := ngram.Group{Script: t.spec.script, Tags: t.tags, Bits: t.spec.bits, Scale: float32(scale), Weights: make([]int8, len(t.weights))}
	for i, w := range t.weights {
		g.Weights[i] = int8(max(-127, min(127, math.Round(float64(w)/scale))))
	}
	g.Pack()
	return g
}

// latinised writes Serbian in its Latin alphabet, which is a matter of the letters only.
func latinised(lines []string) []string {
	out := make([]string, 0, len(lines))
	for _, line := range lines {
		out = append(out, serbian.Replace(line))
	}
	return out
}

var serbian = strings.NewReplacer("а", "a", "б", "b", "в", "v", "г", "g", "д", "d", "ђ", "đ", "е", "e", "ж", "ž", "з", "z", "и", "i", "ј", "j",
	"к", "k", "л", "l", "љ", "lj", "м", "m", "н", "n", "њ", "nj", "о", "o", "п", "p", "р", "r", "с", "s", "т", "t", "ћ", "ć", "у", "u", "ф", "f",
	"х", "h", "ц", "c", "ч", "č", "џ", "dž", "ш", "š", "А", "A", "Б", "B", "В", "V", "Г", "G", "Д", "D", "Ђ", "Đ", "Е", "E", "Ж", "Ž", "З", "Z",
	"И", "I", "Ј", "J", "К", "K", "Л", "L", "Љ", "Lj", "М", "M", "Н", "N", "Њ", "Nj", "О", "O", "П", "P", "Р", "R", "С", "S", "Т", "T", "Ћ", "Ć",
	"У", "U", "Ф", "F", "Х", "H", "Ц", "C", "Ч", "Č", "Џ", "Dž", "Ш", "Š")

//go:embed words.txt
var wordsFile string

// functionWords reads the lists of words.txt.
func functionWords() map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(wordsFile) {
		if tag, words, ok := strings.Cut(line, ": "); ok && !strings.HasPrefix(line, "#") {
			out[tag] = append(out[tag], strings.Fields(words)...)
		}
	}
	return out
}

// run strings two to nine function words together.
func (t *trainer) run(list []string) string {
	var words []string
	for range 2 + t.rng.IntN(8) {
		words = append(words, list[t.rng.IntN(len(list))])
	}
	return strings.Join(noisy(t.rng, words, t.english), " ")
}
