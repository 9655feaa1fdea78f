package triage

import (
	"math"

	"prediag"
	"prediag/internal/code"
)

// SolvedModel is a logistic function of what the search says about its first hit. Its value is the probability that
// the hit solves the ticket. No sign counts the wrong way: no weight is negative but those of the bias and of what speaks
// against a hit, which are not positive.
type SolvedModel struct {
	Bias     float64 `yaml:"bias"`
	Coverage float64 `yaml:"coverage"`
	Margin   float64 `yaml:"margin"`
	Code     float64 `yaml:"code"`
	Category float64 `yaml:"category"`
	Lead     float64 `yaml:"lead,omitempty"`
	Rarity   float64 `yaml:"rarity,omitempty"`
	Early    float64 `yaml:"early,omitempty"`
	Missed   float64 `yaml:"missed,omitempty"` // not positive, like those that follow
	Unknown  float64 `yaml:"unknown,omitempty"`
	Listing  float64 `yaml:"listing,omitempty"`
}

// Features are what SolvedModel looks at, each 0 to 1 but for Lead and Rarity.
type Features struct {
	Coverage float64 // share of the ticket's information that the first hit holds
	Margin   float64 // distance between the scores of the first hit and the next one on another subject, relative to the first
	Code     float64 // 1 when the first hit explains a fault code of the ticket
	Category float64 // probability that the first hit's category is the ticket's
	Lead     float64 // root of the first hit's lead over those behind it (prediag.Hit), 0 to 4
	Rarity   float64 // how rare such a lead is in this knowledge base without an answer (prediag.Hit), in nats, 0 to 6
	Early    float64 // share of the ticket's information that the first hit names, the less the later (prediag.Hit)
	Missed   float64 // 1 when the ticket names fault codes and the first hit explains none of them
	Unknown  float64 // share of the ticket's information in words that no article holds
	Listing  float64 // share of the first hit's best passage that lists entries and says nothing of them
}

// maxLead bounds the feature: what stands out that far stands out, and no single sign should settle the rest.
const maxLead = 4

// maxRarity likewise: beyond, the built-in distribution speaks and no longer the knowledge base's own questions.
const maxRarity = 6

// weights are the model's numbers in the order of signs.
func (m SolvedModel) weights() [weightCount]float64 {
	return [weightCount]float64{m.Bias, m.Coverage, m.Margin, m.Code, m.Category, m.Lead, m.Rarity, m.Early, m.Missed, m.Unknown, m.Listing}
}

func modelOf(w [weightCount]float64) SolvedModel {
	return SolvedModel{Bias: w[0], Coverage: w[1], Margin: w[2], Code: w[3], Category: w[4], Lead: w[5], Rarity: w[6], Early: w[7],
		Missed: w[8], Unknown: w[9], Listing: w[10]}
}

func (x Features) signs() [weightCount]float64 {
	return [weightCount]float64{1, x.Coverage, x.Margin, x.Code, x.Category, x.Lead, x.Rarity, x.Early, x.Missed, x.Unknown, x.Listing}
}

// weightCount is the number of weights: the bias and one for each feature.
const weightCount = 11

// firstAgainst is the first of the weights of what speaks against a hit; they are the last.
const firstAgainst = 8

// Probability is the value of the logistic function, 0 to 1.
func (m SolvedModel) Probability(x Features) float64 {
	z, signs := 0.0, x.signs()
	for i, w := range m.weights() {
		z += w * signs[i]
	}
	return 1 / (1 + math.Exp(-z))
}

// ReadFeatures reads the features off what a search found. codes are the ticket's, canonical. No hits give zeros. A zero verdict gives
// those of a search without a classifier.
func ReadFeatures(v prediag.Verdict, found prediag.Results, codes []string) Features {
	hits := found.Hits
	if len(hits) == 0 {
		return Features{}
	}
	first := hits[0]
	x := Features{Coverage: first.Coverage, Margin: margin(hits), Category: agreement(v, first.Category),
		Lead: min(math.Sqrt(max(0, first.Lead)), maxLead), Rarity: min(max(0, first.Rarity), maxRarity), Early: min(max(0, first.Early), 1),
		Unknown: min(max(0, found.Unknown), 1)}
	if len(first.Passages) > 0 {
		x.Listing = listing(first.Passages[0].Text)
	}
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
