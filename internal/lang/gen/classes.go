package main

import (
	"strings"

	"prediag/internal/lang/ngram"
)

// group says which languages the model of a script tells apart.
type group struct {
	script ngram.Script
	bits   int
	draws  int
	// tags are named as they are. Every cluster holds languages that are told apart from those, but not named: they
	// come out as "und". What is in neither falls into the last cluster.
	tags     string
	clusters []string
}

var groups = []group{
	{
		script: ngram.Latin, bits: 15, draws: 2_000_000,
		tags: "en de fr es pt it nl sv da nb fi pl cs sk hu ro tr vi id ms hr sr sl ca gl et lv lt uz",
		clusters: []string{
			"is fo", "eu", "af", "fy nds lb gsw", "sq", "cy br", "ga gd gv", "mt", "az tk crh kaa", "ku",
			"an ast oc mwl", "lij fur sc rm co vec lld frp pcd wa rgn lad rup", "la ia io eo", "szl hsb dsb",
			"sw rw rn sn ny lg ln", "zu xh ss nr st tn nso ve", "yo ha ig ff wo ak ee fon bm son fuf fuv", "so om aa sid",
			"tl ceb ilo hil war pam bik", "jv su min ban bug ace bjn mad mg", "mi haw sm to fj ty niu", "gn qu ay cak trs hus nhn yua",
			"se smn sms krl vep fkv", "",
		},
	},
	{script: ngram.Cyrillic, bits: 13, draws: 500_000, tags: "ru uk bg sr mk be kk", clusters: []string{"ky tt ba kaa", "tg os", "mn bua tyv sah xal", ""}},
	{script: ngram.Arabic, bits: 12, draws: 200_000, tags: "ar fa ur", clusters: []string{"ps ckb ug azb", ""}},
	{script: ngram.Devanagari, bits: 12, draws: 200_000, tags: "hi mr ne", clusters: []string{""}},
	{script: ngram.Han, bits: 14, draws: 500_000, tags: "zh zh-Hant ja"},
}

// without are languages too near to a named one, or variants of it, to count against it.
const without = " sco jam pcm pis bi tpi hi-Latn als cnr zlm cat hau und yue wuu gan hak hsn nan cjy tsconfig package skr pa lah "

// weights of the classes in training that differ from 1 for a named language and 0.3 for a cluster.
var weights = map[string]float64{"en": 3, "de": 1.3, "fr": 1.3, "es": 1.5, "pt": 1.3, "it": 1.2, "id": 1.5, "ms": 0.6, "gl": 0.5, "ca": 0.8, "uz": 0.5, "ru": 1.5, "hi": 1.5, "mk": 0.4, "be": 0.6, "kk": 0.6, "ar": 1.5, "zh": 2}

// classes returns the class of each language of the corpus, the tags of the classes, and their weights.
func (g *group) classes(c corpus) (of map[string]int, tags []string, share []float64) {
	of = map[string]int{}
	for _, tag := range strings.Fields(g.tags) {
		of[tag] = len(tags)
		tags = append(tags, tag)
		w := weights[tag]
		if w == 0 {
			w = 1
		}
		share = append(share, w)
	}
	for _, cluster := range g.clusters {
		for _, tag := range strings.Fields(cluster) {
			of[tag] = len(tags)
		}
		tags = append(tags, "und")
		share = append(share, 0.3)
	}
	if len(g.clusters) == 0 {
		return of, tags, share
	}
	for tag := range c {
		if _, known := of[tag]; !known && !strings.Contains(without, " "+tag+" ") {
			of[tag] = len(tags) - 1
		}
	}
	return of, tags, share
}
