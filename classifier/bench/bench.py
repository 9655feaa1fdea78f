#!/usr/bin/env python3
"""Compares prediag's classifier with fastText and scikit-learn on the same sets, in one run.

    make bench-classifier                            # banking77, from EVAL_DATA
    make bench-classifier SETS="banking77 clinc150"  # folders with train.jsonl.gz and test.jsonl.gz
    make bench-classifier PEERS=install              # first installs the peers (Debian packages, needs root)

Everything runs on one core but the trainings, which may use all. A peer's settings are chosen on a kept-back tenth of
the training part, then it learns from all of it; its training time is that last training alone, prediag's holds the
calibration, too. Texts labelled "oos" are left out on both sides. A peer that is not installed is named and left out.
"""
import argparse
import gzip
import itertools
import json
import os
import pathlib
import pickle
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

OOS = "oos"
REPEAT = 20  # of the test texts, when a peer's throughput is taken as a difference of two run times


def main():
    args = arguments()
    rows = []
    for name in args.sets:
        folder = args.data / name
        train, test = read(folder / "train.jsonl.gz"), read(folder / "test.jsonl.gz")
        random.Random(1).shuffle(train)  # fastText learns in the order of the file, which may be sorted by label
        print(f"{name}: {len(train)} training texts, {len(test)} test texts, "
              f"{len({label for _, label in train})} labels", file=sys.stderr)
        with tempfile.TemporaryDirectory() as scratch:
            scratch = pathlib.Path(scratch)
            for system in (lambda *a: prediag(args, *a), fasttext, sklearn):
                rows += [dict(set=name, **row) for row in system(train, test, scratch)]
    if args.json:
        print(json.dumps(rows, indent=2))
    else:
        table(rows)


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", type=pathlib.Path, required=True, help="folder of sets, each with train.jsonl.gz and test.jsonl.gz")
    p.add_argument("--prediag", type=pathlib.Path, required=True, help="the binary")
    p.add_argument("--quality", nargs="*", default=["fast", "best"], help="values of prediag train --quality to measure")
    p.add_argument("--json", action="store_true", help="machine-readable output")
    p.add_argument("sets", nargs="*", default=["banking77"], help="names of the sets (default: banking77)")
    args = p.parse_args()
    for name in args.sets:
        if not (args.data / name / "train.jsonl.gz").exists():
            p.error(f"{args.data / name}: no train.jsonl.gz there; name a folder of labelled tickets")
    return args


def read(path):
    """Texts with labels, without those that no label fits."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines if line.strip()]
    return [(r["text"], r["label"]) for r in records if r["label"] != OOS]


def kept_back(train):
    """Every tenth text, to choose settings on, and the others."""
    return [t for i, t in enumerate(train) if i % 10], [t for i, t in enumerate(train) if i % 10 == 0]


def accuracy(predicted, test):
    return sum(p == label for p, (_, label) in zip(predicted, test)) / len(test)


def row(system, right, train_seconds, batch_us, one_us, size_bytes, note=""):
    return dict(system=system, accuracy=right, train_seconds=train_seconds, batch_us=batch_us, one_us=one_us,
                size_mb=size_bytes / 1e6, note=note)


# --- prediag

def prediag(args, train, test, scratch):
    for name, part in (("train", train), ("test", test)):
        with open(scratch / f"{name}.jsonl", "w", encoding="utf-8") as out:
            for i, (text, label) in enumerate(part):
                out.write(json.dumps({"id": str(i), "text": text, "label": label}) + "\n")
    for quality in args.quality:
        model = scratch / f"model-{quality}"
        start = time.perf_counter()
        run(args.prediag, "train", "--tickets", scratch / "train.jsonl", "--model", model, "--quality", quality, "--json")
        seconds = time.perf_counter() - start
        report = json.loads(run(args.prediag, "eval", "classify", "--model", model, "--tickets", scratch / "test.jsonl", "--json"))
        right = report["accuracy"]
        right = right["value"] if isinstance(right, dict) else right
        one, batch = throughput(model, scratch / "test.jsonl")
        yield row(f"prediag {quality}", right, seconds, batch, one, folder_bytes(model), "calibrated")


def throughput(model, tickets):
    """Microseconds a text, one at a time with the evidence and in bulk without, on one core: the Go benchmark's figures."""
    env = dict(os.environ, PREDIAG_BENCH_MODEL=str(model), PREDIAG_BENCH_TICKETS=str(tickets), GOMAXPROCS="1")
    out = run("go", "test", "-run", "^$", "-bench", "^BenchmarkModel$", "-benchtime", "3s", "./classifier", env=env)
    figures = dict(re.findall(r"BenchmarkModel/(\w+)\S*\s+\d+\s+(\d+(?:\.\d+)?) ns/op", out))
    return float(figures["one"]) / 1e3, float(figures["bulk"]) / 1e3


def folder_bytes(folder):
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


# --- fastText

def fasttext(train, test, scratch):
    if not shutil.which("fasttext"):
        missing("fasttext", "fasttext")
        return
    learn, check = kept_back(train)
    write_fasttext(scratch / "learn.txt", learn)
    write_fasttext(scratch / "train-ft.txt", train)
    best = max(grid(), key=lambda s: accuracy(fasttext_labels(fasttext_train(scratch / "learn.txt", scratch / "ft", s), check, scratch), check))
    start = time.perf_counter()
    model = fasttext_train(scratch / "train-ft.txt", scratch / "ft", best)
    seconds = time.perf_counter() - start
    right = accuracy(fasttext_labels(model, test, scratch), test)
    once, many = (timed(lambda: fasttext_labels(model, test * n, scratch)) for n in (1, 1 + REPEAT))
    us = (many - once) / (REPEAT * len(test)) * 1e6
    yield row("fastText", right, seconds, us, us, model.stat().st_size, " ".join(best))


def grid():
    for grams, (lo, hi), rate in itertools.product(("1", "2"), (("0", "0"), ("2", "5")), ("0.5", "1.0")):
        yield ("-wordNgrams", grams, "-minn", lo, "-maxn", hi, "-lr", rate, "-epoch", "50")


def fasttext_line(text):
    return " ".join(re.findall(r"\w+|[^\w\s]", text.lower()))


def write_fasttext(path, part):
    path.write_text("".join(f"__label__{label.replace(' ', '_')} {fasttext_line(text)}\n" for text, label in part), encoding="utf-8")


def fasttext_train(source, target, settings):
    run("fasttext", "supervised", "-input", source, "-output", target, "-dim", "100", "-bucket", "200000", "-loss", "softmax",
        "-thread", "2", "-verbose", "0", *settings)
    return target.with_suffix(".bin")


def fasttext_labels(model, part, scratch):
    source = scratch / "ask.txt"
    source.write_text("".join(fasttext_line(text) + "\n" for text, _ in part), encoding="utf-8")
    said = run("fasttext", "predict", model, source).splitlines()
    known = {label.replace(" ", "_"): label for _, label in part}
    return [known.get(s.removeprefix("__label__"), s) for s in said]


# --- scikit-learn

def sklearn(train, test, scratch):
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.naive_bayes import MultinomialNB
        from sklearn.pipeline import make_pipeline, make_union
        from sklearn.svm import LinearSVC
    except ImportError:
        missing("scikit-learn", "python3-sklearn")
        return

    def features():
        return make_union(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
                          TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True))

    candidates = {
        "LinearSVC": lambda: make_pipeline(features(), LinearSVC(C=1)),
        "logistic C=20": lambda: make_pipeline(features(), LogisticRegression(C=20, solver="liblinear")),
        "naive Bayes, chars 1-5": lambda: make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 5), sublinear_tf=True), MultinomialNB(alpha=0.01)),
    }
    learn, check = kept_back(train)

    def fitted(name, part):
        return candidates[name]().fit([t for t, _ in part], [label for _, label in part])

    best = max(candidates, key=lambda n: accuracy(fitted(n, learn).predict([t for t, _ in check]), check))
    start = time.perf_counter()
    model = fitted(best, train)
    seconds = time.perf_counter() - start
    texts = [t for t, _ in test]
    right = accuracy(model.predict(texts), test)
    batch = timed(lambda: model.predict(texts)) / len(texts) * 1e6
    few = texts[:200]
    one = timed(lambda: [model.predict([t]) for t in few]) / len(few) * 1e6
    yield row("scikit-learn", right, seconds, batch, one, len(pickle.dumps(model)), best)


# --- helpers

def run(*command, env=None):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=env)
    if done.returncode != 0:
        sys.exit(f"{' '.join(str(c) for c in command)}: exit {done.returncode}\n{done.stderr.strip()}")
    return done.stdout


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def missing(system, package):
    print(f"{system} is not installed and left out: make bench-classifier PEERS=install (package {package})", file=sys.stderr)


def table(rows):
    head = f"{'set':<18}{'system':<16}{'accuracy':>9}{'train s':>9}{'µs/text':>9}{'µs alone':>10}{'MB':>8}  ratios to prediag {rows[0]['system'].split()[-1]}"
    print(head)
    for r in rows:
        base = next(b for b in rows if b["set"] == r["set"])
        print(f"{r['set']:<18}{r['system']:<16}{r['accuracy']:>9.4f}{r['train_seconds']:>9.1f}{r['batch_us']:>9.0f}{r['one_us']:>10.0f}"
              f"{r['size_mb']:>8.1f}  time ×{r['train_seconds'] / base['train_seconds']:.2f}, bulk ×{r['batch_us'] / base['batch_us']:.2f}, "
              f"alone ×{r['one_us'] / base['one_us']:.2f}, size ×{r['size_mb'] / base['size_mb']:.2f}"
              + (f"  ({r['note']})" if r["note"] else ""))


if __name__ == "__main__":
    main()
