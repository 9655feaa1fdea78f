package triage

import (
	"math"

	"prediag"
	"prediag/internal/code"
)

// SolvedModel is a logistic function of what the search says about its first hit. Its value is the probability that
// the hit solves the ticket. No sign counts the wrong way: but for the bias and Missed, no weight is negative.
type SolvedModel struct {
	Bias     float64 `yaml:"bias"`
	Coverage float64 `yaml:"coverage"`
	Margin   float64 `yaml:"margin"`
	Code     float64 `yaml:"code"`
	Category float64 `yaml:"category"`
	Lead     float64 `yaml:"lead,omitempty"`
	Early    float64 `yaml:"early,omitempty"`
	Missed   float64 `yaml:"missed,omitempty"` // not positive
}

// Features are what SolvedModel looks at, each 0 to 1 but for Lead.
type Features struct {
	Coverage float64 // share of the ticket's information that the first hit holds
	Margin   float64 // distance between the scores of the first hit and the next one on another subject, relative to the first
	Code     float64 // 1 when the first hit explains a fault code of the ticket
	Category float64 // probability that the first hit's category is the ticket's
	Lead     float64 // root of the first hit's lead over those behind it (prediag.Hit), 0 to 4
	Early    float64 // share of the ticket's information that the first hit names, the less the later (prediag.Hit)
	Missed   float64 // 1 when the ticket names fault codes and the first hit explains none of them
}

// maxLead bounds the feature: what stands out that far stands out, and no single sign should settle the rest.
const maxLead = 4

// weights are the model's numbers in the order of signs.
func (m SolvedModel) weights() [weightCount]float64 {
	return [weightCount]float64{m.Bias, m.Coverage, m.Margin, m.Code, m.Category, m.Lead, m.Early, m.Missed}
}

func modelOf(w [weightCount]float64) SolvedModel {
	return SolvedModel{Bias: w[0], Coverage: w[1], Margin: w[2], Code: w[3], Category: w[4], Lead: w[5], Early: w[6], Missed: w[7]}
}

func (x Features) signs() [weightCount]float64 {
	return [weightCount]float64{1, x.Coverage, x.Margin, x.Code, x.Category, x.Lead, x.Early, x.Missed}
}

// weightCount is the number of weights: the bias and one for each feature.
const weightCount = 8

// Probability is the value of the logistic function, 0 to 1.
func (m SolvedModel) Probability(x Features) float64 {
	z, signs := 0.0, x.signs()
	for i, w := range m.weights() {
		z += w * signs[i]
	}
	return 1 / (1 + math.Exp(-z))
}

// ReadFeatures reads the features off a search. codes are the ticket's, canonical. No hits give zeros. A zero verdict gives
// those of a search without a classifier.
func ReadFeatures(v prediag.Verdict, hits []prediag.Hit, codes []string) Features {
	if len(hits) == 0 {
		return Features{}
	}
	first := hits[0]
	x := Features{Coverage: first.Coverage, Margin: margin(hits), Category: agreement(v, first.Category),
		Lead: min(math.Sqrt(max(0, first.Lead)), maxLead), Early: min(max(0, first.Early), 1)}
	for _, c := range first.Codes {
		for _, wanted := range codes {
			if code.Canonical(c.Code) == wanted {
				x.Code = 1
			}
		}
	}
	if len(codes) > 0 {
		x.Missed = 1 - x.Code
	}
	return x
}

// margin compares the first hit with the next that is not the same page in another language, because a translation
// next to its original says nothing against either.
func margin(hits []prediag.Hit) float64 {
	if hits[0].Score <= 0 {
		return 0
	}
	for _, h := range hits[1:] {
		if hits[0].Group != "" && h.Group == hits[0].Group {
			continue
		}
		return max(0, (hits[0].Score-h.Score)/hits[0].Score)
	}
	return 1
}

// agreement is the verdict's probability of a category, 0 when it names neither the category nor has one.
func agreement(v prediag.Verdict, category string) float64 {
	f, ok := v.Field(prediag.FieldCategory)
	if !ok || category == "" {
		return 0
	}
	if f.Label == category {
		return f.Probability
	}
	for _, a := range f.Alternatives {
		if a.Value == category {
			return a.Probability
		}
	}
	return 0
}
