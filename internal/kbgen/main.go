// Command kbgen makes a knowledge base of any size out of real articles, to measure with.
//
//	go run ./internal/kbgen -n 230000 -out articles.jsonl CORPUS.jsonl.gz...
//	go run ./internal/kbgen -n 230000 -out articles.jsonl -change 0.01 CORPUS.jsonl.gz...   # the same, 1 % of it changed
//	prediag ingest articles.jsonl
//
// A corpus is a file of JSON Lines, compressed or not, with the fields id, title, body, url, lang, product, kind, group and
// updated; prediag ingest reads the same. The same corpora, flags and seed give the same bytes.
//
// Every article is cut into pieces of about a screen at its headings and paragraphs: real text, in the proportions of
// languages, products and codes that the corpora have. When more articles are asked for than there are pieces, further
// rounds follow, each with every piece again as a variant: paragraphs exchanged with another piece of the same language
// and product, and every number of four digits or more (serial numbers, error codes, ports; not years) redrawn with as
// many digits, the same number always becoming the same one within a round. So words keep their frequencies, codes
// their shapes, and no two articles are alike; what a variant says is not true.
//
// With -change a share of the articles differs from the state before: of ten changed ones eight have a paragraph exchanged,
// one is gone and one is new.
package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "kbgen:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, log io.Writer) (err error) {
	flags := flag.NewFlagSet("kbgen", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.Usage = func() {
		fmt.Fprintln(log, "kbgen makes a knowledge base of any size out of real articles.\n\n  kbgen [flags] CORPUS.jsonl[.gz]...")
		flags.PrintDefaults()
	}
	o := options{}
	flags.IntVar(&o.n, "n", 230_000, "articles to make")
	flags.Uint64Var(&o.seed, "seed", 1, "of all draws")
	flags.IntVar(&o.size, "size", 900, "bytes of a piece from which on it ends at the next heading or paragraph")
	flags.Float64Var(&o.change, "change", 0, "share of the articles that differs from the state before, 0 to 1")
	flags.Uint64Var(&o.revision, "revision", 1, "with -change: which state; each changes other articles of the first state")
	out := flags.String("out", "", "file to write, compressed when it ends in .gz; default: the standard output")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 || o.n < 1 || o.size < 1 || o.change < 0 || o.change > 1 {
		flags.Usage()
		return errors.New("name at least one corpus; -n and -size must be positive, -change within 0 and 1")
	}
	articles, err := readCorpora(flags.Args())
	if err != nil {
		return err
	}
	w, done, err := create(*out, stdout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	count, bytes := 0, 0
	for a := range generate(articles, o) {
		if err := enc.Encode(a); err != nil {
			return err
		}
		count++
		bytes += len(a.Title) + len(a.Body)
	}
	fmt.Fprintf(log, "%d articles with %d bytes of title and body, made of %d\n", count, bytes, len(articles))
	return nil
}

// create opens the output and returns what ends it.
func create(name string, stdout io.Writer) (io.Writer, func() error, error) {
	if name == "" {
		b := bufio.NewWriterSize(stdout, 1<<20)
		return b, b.Flush, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, nil, err
	}
	b := bufio.NewWriterSize(f, 1<<20)
	if !strings.HasSuffix(name, ".gz") {
		return b, func() error { return errors.Join(b.Flush(), f.Close()) }, nil
	}
	z := gzip.NewWriter(b)
	return z, func() error { return errors.Join(z.Close(), b.Flush(), f.Close()) }, nil
}

// readCorpora reads all articles with a body.
func readCorpora(names []string) ([]article, error) {
	var all []article
	for _, name := range names {
		list, err := readCorpus(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, list...)
	}
	return all, nil
}

func readCorpus(name string) ([]article, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var in io.Reader = bufio.NewReaderSize(f, 1<<20)
	if strings.HasSuffix(name, ".gz") {
		if in, err = gzip.NewReader(in); err != nil {
			return nil, err
		}
	}
	var list []article
	for dec := json.NewDecoder(in); ; {
		var a article
		if err := dec.Decode(&a); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, fmt.Errorf("record %d: %w", len(list)+1, err)
		}
		if a.ID != "" && strings.TrimSpace(a.Body) != "" {
			list = append(list, a)
		}
	}
}
