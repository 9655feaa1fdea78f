package main

import (
	"fmt"
	"io"
	"math"
	"sort"

	"prediag/internal/lang/ngram"
)

// outcome is one held-out text: the distance between the best class and the second with another tag, the number of
// features, and whether the best was right.
type outcome struct {
	margin, features float64
	class, best      int
	right            bool
}

// judge draws held-out texts and classifies them with the quantised model.
func (t *trainer) judge(g *ngram.Group, n int) []outcome {
	out := make([]outcome, 0, n)
	sums, logits := make([]float32, ngram.MaxClasses), []float32(nil)
	for len(out) < n {
		class, s := t.draw(t.held)
		var scores ngram.Scores
		f := t.features(s)
		if len(f) == 0 {
			continue
		}
		g.Add(&scores, f)
		for c := range g.Tags {
			sums[c] = float32(scores.Sum[c])
		}
		logits = g.Logits(logits[:0], sums, float32(scores.Features))
		best, margin := g.Best(logits)
		out = append(out, outcome{margin, float64(len(f)), class, best, g.Tags[best] == g.Tags[class]})
	}
	return out
}

// calibrate fits the confidence on half of the held-out texts by gradient descent on the logistic loss.
func (t *trainer) calibrate(g *ngram.Group) {
	data := t.judge(g, 40_000)
	var w, sq [3]float64
	for range 30 {
		for _, o := range data {
			if g.Tags[o.best] == "und" {
				continue
			}
			x := [3]float64{1, o.margin, math.Log1p(o.features)}
			z := w[0]*x[0] + w[1]*x[1] + w[2]*x[2]
			y := 0.0
			if o.right {
				y = 1
			}
			d := 1/(1+math.Exp(-z)) - y
			for i := range w {
				sq[i] += d * x[i] * d * x[i]
				w[i] -= 0.1 * d * x[i] / math.Sqrt(sq[i]+1e-9)
			}
		}
	}
	g.Certain = [3]float32{float32(w[0]), float32(w[1]), float32(w[2])}
}

// report prints accuracy by class the errors, and the reliability of the confidence on fresh held-out texts.
func (t *trainer) report(g *ngram.Group, log io.Writer) {
	data := t.judge(g, 40_000)
	n, right := make([]int, len(t.tags)), make([]int, len(t.tags))
	wrong := map[string]int{}
	var bins [10][3]float64
	for _, o := range data {
		n[o.class]++
		if o.right {
			right[o.class]++
		} else {
			wrong[t.tags[o.class]+">"+t.tags[o.best]]++
		}
		if t.tags[o.best] != "und" {
			c := g.Confidence(o.margin, o.features)
			b := min(int(c*10), 9)
			bins[b][0]++
			bins[b][1] += c
			if o.right {
				bins[b][2]++
			}
		}
	}
	for c, tag := range t.tags {
		fmt.Fprintf(log, "  %-8s %.3f of %5d texts, trained on %6d lines\n", tag, float64(right[c])/float64(max(n[c], 1)), n[c], len(t.train[c]))
	}
	var pairs []string
	for k := range wrong {
		pairs = append(pairs, k)
	}
	sort.Slice(pairs, func(i, j int) bool { return wrong[pairs[i]] > wrong[pairs[j]] })
	fmt.Fprint(log, "  taken for another:")
	for _, k := range pairs[:min(len(pairs), 30)] {
		fmt.Fprintf(log, " %s %d", k, wrong[k])
	}
	fmt.Fprintln(log)
	for _, b := range bins {
		if b[0] > 0 {
			fmt.Fprintf(log, "  confidence %.3f: right %.3f of %5.0f\n", b[1]/b[0], b[2]/b[0], b[0])
		}
	}
}
