package lang

import (
	_ "embed"
	"slices"
	"sync"

	"prediag/internal/lang/ngram"
)

// model is written by internal/lang/gen.
//
//go:embed model.bin
var model []byte

// groups has the model of each script that more than one language is written in.
var groups = sync.OnceValue(func() *[ngram.ScriptCount]*ngram.Group {
	list, err := ngram.Decode(model)
	if err != nil {
		panic(err) // the build is damaged: the model is a part of it
	}
	byScript := &[ngram.ScriptCount]*ngram.Group{}
	for i := range list {
		byScript[list[i].Script] = &list[i]
	}
	return byScript
})

// scriptTags names the languages of the scripts that write one of the languages that Detect knows, and no other large one.
var scriptTags = [ngram.ScriptCount]string{
	ngram.Hangul: "ko", ngram.Thai: "th", ngram.Greek: "el", ngram.Hebrew: "he", ngram.Bengali: "bn", ngram.Tamil: "ta",
	ngram.Telugu: "te", ngram.Kannada: "kn", ngram.Malayalam: "ml", ngram.Gujarati: "gu", ngram.Gurmukhi: "pa",
	ngram.Sinhala: "si",
}

// Tags returns the tags that Detect may answer beside "und", in alphabetical order.
func Tags() []string {
	var out []string
	for _, g := range groups() {
		if g == nil {
			continue
		}
		for _, tag := range g.Tags {
			if tag != "und" {
				out = append(out, tag)
			}
		}
	}
	for _, tag := range scriptTags {
		if tag != "" {
			out = append(out, tag)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
