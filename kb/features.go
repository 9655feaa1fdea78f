package kb

import "math"

// What a learned order looks at, for each article of the second stage. All but the last five are by the query's information or
// shares, so that they are comparable between queries.
const (
	featureScore        = iota // the built-in order: the score of the second stage, titles shared
	featureLogScore            // its logarithm
	featureText                // BM25 of the whole text
	featureTitle               // BM25 of the title
	featureCoverage            // share of the query's information that the article holds
	featurePassage             // BM25 of the best window of 100 tokens
	featureNear                // BM25 of neighbouring words
	featureNearby              // share of the neighbouring words that stand near each other
	featureAdjacent            // share of the neighbouring words that follow each other as in the query
	featureEarly               // share of the query's information, the less the later it stands
	featureTight               // share of it that stands within 30 tokens
	featureWindow              // share of it that stands within 100 tokens
	featureGentle              // BM25 with little saturation by length (k1 1.2, b 0.4)
	featureOften               // logarithm of the term frequencies
	featureDense               // logarithm of the term frequencies by length
	featureRarest              // the query's most informative term is held
	featureRare                // share of its three most informative terms that is held
	featureAbout               // share of the title that the query holds
	featureNamed               // share of the query's information that the title holds
	featureQuestion            // product of the two: the title is the question
	featureSection             // BM25 of the best section with its headings
	featureHeading             // share of the query's information in the headings of one section
	featureGroup               // best coverage by the title among the articles of one title
	featureGroupText           // best featureGentle among them
	featureGroupTight          // best featureTight among them
	featureGroupSection        // best featureSection among them
	featureLanguage            // article and query in one language
	featureProduct             // the query names the article's product
	featureHistory             // a list of changes
	featureGeneric             // many articles have this title, or it has none
	featureLength              // logarithm of the length in tokens
	featureFix                 // the article's kind is about what went wrong: troubleshooting, errorcode, alarm
	featureFAQ                 // the article's kind is faq
	featureCount
)

// features are what a learned order knows of an article.
type features [featureCount]float64

// featureNames are how the features are called in a ranker's file.
func featureNames() [featureCount]string {
	return [featureCount]string{"score", "log_score", "text", "title", "coverage", "passage", "near", "nearby", "adjacent", "early", "tight", "window",
		"gentle", "often", "dense", "rarest", "rare", "about", "named", "question", "section", "heading", "group", "group_text",
		"group_tight", "group_section", "language", "product", "history", "generic", "length", "fix", "faq"}
}

const (
	sightTokens = 30 // what featureTight looks at
	rareTerms   = 3
)

// observe fills in what can be said of one article alone. The matches are those that find left; base is the first stage's score,
// words the second stage's.
func (x *reranker) observe(out *features, f *forward, c *candidate, cell *cell, s *scores) error {
	mass := max(x.mass, 1e-9)
	tokens := f.tokens(f.title) + f.near + 2
	out[featureText] = float64(cell.text) / mass
	out[featureTitle] = float64(cell.title) / mass
	out[featureCoverage] = s.coverage(cell.mask)
	out[featurePassage] = x.passage(tokens) / mass
	x.observePairs(out, tokens)
	out[featureEarly] = x.early()
	out[featureTight], out[featureWindow] = x.within(sightTokens)/mass, x.within(windowTokens)/mass
	x.observeTerms(out, tokens, cell.mask)
	x.observeTitle(out, f.tokens(f.title))
	for _, b := range []struct {
		feature int
		holds   bool
	}{{featureLanguage, x.language != "" && string(f.language) == x.language}, {featureHistory, isHistory(f, x.history)},
		{featureGeneric, x.r.generic.has(c.doc)}, {featureFix, x.fix.has(c.doc)}, {featureFAQ, x.faq.has(c.doc)}} {
		if b.holds {
			out[b.feature] = 1
		}
	}
	out[featureProduct] = x.product(c.doc)
	out[featureLength] = math.Log1p(float64(tokens))
	return x.observeSections(out, f, cell.mask)
}

func (x *reranker) observePairs(out *features, tokens int) {
	all := 1e-9
	for _, w := range x.weights {
		all += w
	}
	out[featureNear] = x.near(tokens) / all
	for p, n := range x.counts {
		if n > 0 {
			out[featureNearby] += x.weights[p] / all
		}
	}
	clear(x.counts)
	for i, m := range x.matches[:max(0, len(x.matches)-1)] {
		if n := x.matches[i+1]; n.at == m.at+1 {
			if p := x.pairs[pair(m.term, n.term)]; p > 0 && x.counts[p-1] == 0 {
				x.counts[p-1] = 1
				out[featureAdjacent] += x.weights[p-1] / all
			}
		}
	}
}

func (x *reranker) observeTerms(out *features, tokens int, mask uint32) {
	clear(x.freq)
	for _, m := range x.matches {
		x.freq[m.term]++
	}
	average := x.r.average(fieldText)
	length := float64(tokens) / average
	var rare float64
	for t, n := range x.freq {
		w, tf := x.terms[t].weight/max(x.mass, 1e-9), float64(n)
		out[featureGentle] += w * tf * (nearK1 + 1) / (tf + nearK1*(0.6+0.4*length))
		out[featureOften] += w * math.Log1p(tf)
		out[featureDense] += w * math.Log1p(tf/length)
		if t < rareTerms {
			rare += x.terms[t].weight
			if mask&(1<<t) != 0 {
				out[featureRare] += x.terms[t].weight
			}
		}
	}
	out[featureRare] /= max(rare, 1e-9)
	out[featureRarest] = float64(mask & 1)
}

func (x *reranker) observeTitle(out *features, length int) {
	clear(x.freq)
	for _, m := range x.matches {
		if int(m.at) >= length {
			break
		}
		out[featureAbout] += 1 / float64(length)
		if x.freq[m.term]++; x.freq[m.term] == 1 {
			out[featureNamed] += x.terms[m.term].weight / max(x.mass, 1e-9)
		}
	}
	out[featureQuestion] = out[featureAbout] * out[featureNamed]
}

// within is the weight of the terms in the best run of so many tokens.
func (x *reranker) within(tokens int32) float64 {
	clear(x.freq)
	best, sum, from := 0.0, 0.0, 0
	for _, m := range x.matches {
		for ; m.at-x.matches[from].at >= tokens; from++ {
			if t := x.matches[from].term; x.freq[t] == 1 {
				x.freq[t], sum = 0, sum-x.terms[t].weight
			} else {
				x.freq[t]--
			}
		}
		if x.freq[m.term]++; x.freq[m.term] == 1 {
			sum += x.terms[m.term].weight
		}
		best = max(best, sum)
	}
	return best
}

// observeSections looks for the best section. It leaves other matches than it found.
func (x *reranker) observeSections(out *features, f *forward, mask uint32) error {
	m := matcher{terms: x.terms, finder: &x.finder, freq: x.freq, matches: x.matches}
	mass := max(x.mass, 1e-9)
	err := f.visitSections(func(s section) {
		clear(m.freq)
		length, heading := 0, 0.0
		for _, h := range s.headings {
			length += m.count(f, h)
		}
		for t, n := range m.freq {
			if n > 0 {
				heading += x.terms[t].weight / mass
			}
		}
		length += m.count(f, s.body)
		out[featureHeading] = max(out[featureHeading], heading)
		out[featureSection] = max(out[featureSection], m.score(length)/mass)
	})
	x.matches = m.matches
	return err
}

// observeTogether fills in what depends on the other candidates. The words of the candidates are those with titles shared.
func observeTogether(list []candidate, mass float64) {
	type group [4]float64
	pairs := [4][2]int{{featureNamed, featureGroup}, {featureGentle, featureGroupText}, {featureTight, featureGroupTight}, {featureSection, featureGroupSection}}
	best := map[[titleKeySize]byte]group{}
	for _, c := range list {
		g := best[c.title]
		for i, p := range pairs {
			g[i] = max(g[i], c.features[p[0]])
		}
		best[c.title] = g
	}
	for _, c := range list {
		c.features[featureScore] = c.words / max(mass, 1e-9)
		c.features[featureLogScore] = math.Log1p(max(0, c.features[featureScore]))
		for i, p := range pairs {
			if c.features[p[1]] = best[c.title][i]; c.title == [titleKeySize]byte{} {
				c.features[p[1]] = c.features[p[0]]
			}
		}
	}
}
