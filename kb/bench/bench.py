#!/usr/bin/env python3
"""Compares prediag's search with default Bleve, SQLite FTS5, Xapian and PostgreSQL on the same collections, in one run.

    make bench-search                                     # stackfaq-dev, from EVAL_DATA
    make bench-search COLLECTIONS="stackfaq-dev xquad-dev" # folders with queries.jsonl, qrels.txt, corpus.jsonl.gz
    make bench-search PEERS=install                       # first installs Xapian and PostgreSQL (Debian packages, needs root)
    kb/bench/bench.py --prediag bin/prediag --latency articles.jsonl   # milliseconds by words of the query, over these articles

A collection without a corpus of its own names one: aws-docs-qa-dev=kb/aws-en/articles.jsonl.gz, below the folder of data.
Every system is asked each text once, one after the other, for the first 100 articles, any of the words being enough. The
ranking of all is judged by the same lines here. A peer is set up as its manual's first page has it: English stemming, its
own ranking. A peer that is not installed is named and left out.

With --latency the queries are runs of words out of the articles, the same for all systems, and the first ten articles are asked
for. prediag is asked as a service then, over HTTP with its passages; the peers give names of articles.
"""
import argparse
import contextlib
import gzip
import http.client
import json
import math
import os
import pathlib
import random
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse

PEERS = ("default Bleve", "SQLite FTS5", "Xapian", "PostgreSQL")
LENGTHS = (5, 20, 100, 400)  # words of a query of --latency


def main():
    args = arguments()
    rows = latencies(args) if args.latency else relevance(args)
    print(json.dumps(rows, indent=2)) if args.json else latency_table(rows) if args.latency else table(rows)


def relevance(args):
    rows = []
    for name, corpus in args.collections:
        folder = args.data / "retrieval" / name
        queries = [json.loads(line) for line in open(folder / "queries.jsonl", encoding="utf-8")][:: args.every]
        judged = read_qrels(folder / "qrels.txt")
        queries = [q for q in queries if q["id"] in judged]
        print(f"{name}: {len(queries)} queries", file=sys.stderr)
        with tempfile.TemporaryDirectory() as scratch:
            scratch = pathlib.Path(scratch)
            with open(scratch / "queries.jsonl", "w", encoding="utf-8") as out:
                out.writelines(json.dumps(q) + "\n" for q in queries)
            with open(scratch / "qrels.txt", "w", encoding="utf-8") as out:
                out.writelines(f"{q['id']} 0 {d} {g}\n" for q in queries for d, g in judged[q["id"]].items())
            def add(system, run, took):
                rows.append(measured(name, system, queries, judged, run, took))
                print("{collection}: {system}: nDCG@10 {ndcg10:.4f}, recall@100 {recall100:.4f}".format(**rows[-1]), file=sys.stderr)
            add("prediag", *prediag(args, corpus, queries, scratch))
            for system, ask in zip(PEERS, (bleve, sqlite, xapian_peer, postgres)):
                answer = ask(args, corpus, queries, scratch)
                if answer is not None:
                    add(system, answer[0], percentiles(answer[1]))
    with_ratios(rows)
    return rows


def latencies(args):
    rows, queries = [], sampled(args.latency, args.queries)
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        with open(scratch / "queries.jsonl", "w", encoding="utf-8") as out:
            out.writelines(json.dumps(q) + "\n" for q in queries)
        for system, ask in zip(("prediag", *PEERS), (service, bleve, sqlite, xapian_peer, postgres)):
            if system in args.without:
                continue
            print(f"{system}: {len(queries)} queries", file=sys.stderr)
            answer = ask(args, args.latency, queries, scratch)
            if answer is None:
                continue
            for n in LENGTHS:
                p50, p99 = percentiles([t for q, t in zip(queries, answer[1]) if q["words"] == n])
                rows.append(dict(system=system, words=n, p50_ms=p50, p99_ms=p99))
    own = {r["words"]: r["p50_ms"] for r in rows if r["system"] == "prediag"}
    for r in rows:
        r["p50_ratio"] = r["p50_ms"] / own.get(r["words"], math.nan)
    return rows


def sampled(corpus, each):
    """Runs of words out of the articles, as many of every length."""
    draw = random.Random(5)
    bodies = [b.split() for _, _, b in articles(corpus) if draw.random() < 0.2]
    bodies = [b for b in bodies if len(b) > 10]
    out = []
    for n in LENGTHS:
        for i in range(each):
            text = []
            while len(text) < n:
                b = draw.choice(bodies)
                at = draw.randrange(len(b))
                text += b[at:at + n - len(text)]
            out.append(dict(id=f"{n}-{i}", words=n, text=" ".join(text)[:8000]))
    draw.shuffle(out)
    return out


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", type=pathlib.Path, help="folder of data, with retrieval/NAME below it")
    p.add_argument("--prediag", type=pathlib.Path, required=True, help="the binary")
    p.add_argument("--every", type=int, default=1, metavar="N", help="ask every N-th query only (default: 1)")
    p.add_argument("--latency", type=pathlib.Path, metavar="ARTICLES", help="measure milliseconds over these articles (JSON Lines) instead")
    p.add_argument("--queries", type=int, default=100, metavar="N", help="queries of each length with --latency (default: 100)")
    p.add_argument("--data-dir", type=pathlib.Path, help="data folder that holds the articles of --latency already (default: one is made)")
    p.add_argument("--without", action="append", default=[], metavar="SYSTEM", help="leave a system out of --latency; may be repeated")
    p.add_argument("--json", action="store_true", help="machine-readable output")
    p.add_argument("collections", nargs="*", default=["stackfaq-dev"], metavar="NAME[=CORPUS]", help="collections (default: stackfaq-dev)")
    args = p.parse_args()
    args.depth = 10 if args.latency else 100
    if args.latency:
        return args
    if not args.data:
        p.error("--data is missing")
    found = []
    for item in args.collections:
        name, _, corpus = item.partition("=")
        corpus = args.data / corpus if corpus else args.data / "retrieval" / name / "corpus.jsonl.gz"
        if not corpus.exists():
            p.error(f"{corpus}: no corpus there; name it as {name}=PATH below {args.data}")
        found.append((name, corpus))
    args.collections = found
    return args


def read_qrels(path):
    judged = {}
    for line in open(path, encoding="utf-8"):
        query, _, doc, grade = line.split()
        if int(grade) > 0:
            judged.setdefault(query, {})[doc] = int(grade)
    return judged


def articles(corpus):
    with (gzip.open if corpus.suffix == ".gz" else open)(corpus, "rt", encoding="utf-8") as lines:
        for line in lines:
            a = json.loads(line)
            yield a["id"], a.get("title") or "", a.get("body") or ""


def words(text):
    """The distinct words of a text, in order."""
    return list(dict.fromkeys(re.findall(r"\w+", text.lower())))


def timed(queries, ask):
    """The ranking of each query, and its milliseconds."""
    run, took = {}, []
    for q in queries:
        start = time.perf_counter()
        run[q["id"]] = ask(q["text"])
        took.append((time.perf_counter() - start) * 1e3)
    return run, took


def percentiles(took):
    took = sorted(took)
    return took[len(took) // 2], took[len(took) * 99 // 100]


# --- measures

def measured(collection, system, queries, judged, run, took):
    ndcg = recall = 0.0
    for q in queries:
        relevant, ranking = judged[q["id"]], run.get(q["id"], [])
        ideal = sum(g / math.log2(i + 2) for i, g in enumerate(sorted(relevant.values(), reverse=True)[:10]))
        ndcg += sum(relevant.get(d, 0) / math.log2(i + 2) for i, d in enumerate(ranking[:10])) / ideal
        recall += len(relevant.keys() & set(ranking[:100])) / len(relevant)
    return dict(collection=collection, system=system, queries=len(queries), ndcg10=ndcg / len(queries), recall100=recall / len(queries),
                p50_ms=took[0], p99_ms=took[1])


def with_ratios(rows):
    """A peer's figures as multiples of prediag's on the same collection."""
    own = {r["collection"]: r for r in rows if r["system"] == "prediag"}
    for r in rows:
        o = own[r["collection"]]
        r["ndcg10_ratio"], r["p50_ratio"] = r["ndcg10"] / o["ndcg10"], r["p50_ms"] / o["p50_ms"]


def table(rows):
    print("| collection | queries | system | nDCG@10 | × prediag | recall@100 | p50 ms | × prediag | p99 ms |")
    print("|---|--:|---|--:|--:|--:|--:|--:|--:|")
    for r in rows:
        print(f"| {r['collection']} | {r['queries']} | {r['system']} | {r['ndcg10']:.4f} | {r['ndcg10_ratio']:.3f} | {r['recall100']:.4f} | "
              f"{r['p50_ms']:.2f} | {r['p50_ratio']:.1f} | {r['p99_ms']:.2f} |")


def latency_table(rows):
    print("| system | " + " | ".join(f"{n} words p50 | × prediag | p99" for n in LENGTHS) + " |")
    print("|---|" + "--:|" * 3 * len(LENGTHS))
    for system in dict.fromkeys(r["system"] for r in rows):
        print(f"| {system} | " + " | ".join(f"{r['p50_ms']:.2f} | {r['p50_ratio']:.1f} | {r['p99_ms']:.2f}" for r in rows if r["system"] == system) + " |")


# --- the systems: each gives a ranking by query and the milliseconds of each query, or None; prediag its percentiles

def prediag(args, corpus, queries, scratch):
    run = scratch / "prediag.run"
    report = subprocess.run([args.prediag, "eval", "retrieve", "--corpus", corpus, "--queries", scratch / "queries.jsonl", "--qrels", scratch / "qrels.txt",
                    "--no-cache", "--run", run, "--json"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    took = json.loads(report.stdout)["latency_ms"]
    return read_run(run), (took["p50"], took["p99"])


def service(args, corpus, queries, scratch):
    data = args.data_dir
    if not data:
        data = scratch / "data"
        subprocess.run([args.prediag, "ingest", "--data-dir", data, corpus], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    grpc, web = free_port(), free_port()
    process = subprocess.Popen([args.prediag, "serve", "--data-dir", data, "--grpc-addr", f"127.0.0.1:{grpc}", "--http-addr", f"127.0.0.1:{web}",
                                "--refresh-every", "24h"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(web, process)
        connection = http.client.HTTPConnection("127.0.0.1", web, timeout=300)

        def ask(text):
            connection.request("GET", "/v1/search?" + urllib.parse.urlencode(dict(query=text, page_size=args.depth)))
            answer = connection.getresponse()
            body = json.loads(answer.read())
            if answer.status != 200:
                raise RuntimeError(f"prediag answers {answer.status}: {body}")
            return []
        ask("is it ready")  # the first start of a data folder trains a model
        time.sleep(15)      # what it reads ahead of its first searches
        return timed(queries, ask)
    finally:
        process.terminate()
        process.wait()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, process):
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None:
            raise RuntimeError("prediag does not serve the data folder")
        time.sleep(0.1)
    raise RuntimeError("prediag does not answer")


def read_run(path):
    run = {}
    for line in open(path, encoding="utf-8"):
        query, _, doc = line.split()[:3]
        run.setdefault(query, []).append(doc)
    return run


def bleve(args, corpus, queries, scratch):
    run = scratch / "bleve.run"
    env = dict(os.environ, PREDIAG_PEER_CORPUS=str(corpus.resolve()), PREDIAG_PEER_QUERIES=str(scratch / "queries.jsonl"), PREDIAG_PEER_RUN=str(run), PREDIAG_PEER_DEPTH=str(args.depth))
    subprocess.run(["go", "test", "-count=1", "-timeout", "60m", "-run", "^TestDefaultBleve$", "./kb"], check=True, env=env, stdout=subprocess.DEVNULL)
    return read_run(run), json.load(open(f"{run}.ms.json"))


def sqlite(args, corpus, queries, scratch):
    db = sqlite3.connect(scratch / "fts.db")
    try:
        db.execute("CREATE VIRTUAL TABLE a USING fts5(id UNINDEXED, title, body, tokenize='porter unicode61')")
    except sqlite3.OperationalError:
        return missing("SQLite FTS5", "python3 with a SQLite that has FTS5")
    db.executemany("INSERT INTO a VALUES (?, ?, ?)", articles(corpus))
    db.commit()

    def ask(text):
        some = " OR ".join(f'"{w}"' for w in words(text))
        return [r[0] for r in db.execute("SELECT id FROM a WHERE a MATCH ? ORDER BY rank LIMIT ?", (some, args.depth))] if some else []
    return timed(queries, ask)


def xapian_peer(args, corpus, queries, scratch):
    try:
        import xapian
    except ImportError:
        return missing("Xapian", "python3-xapian")
    db = xapian.WritableDatabase(str(scratch / "xapian"), xapian.DB_CREATE_OR_OPEN)
    stem, indexer = xapian.Stem("en"), xapian.TermGenerator()
    indexer.set_stemmer(stem)
    indexer.set_flags(xapian.TermGenerator.FLAG_CJK_NGRAM)
    for key, title, body in articles(corpus):
        doc = xapian.Document()
        doc.set_data(key)
        indexer.set_document(doc)
        indexer.index_text(title)
        indexer.increase_termpos()
        indexer.index_text(body)
        db.add_document(doc)
    db.commit()
    parser = xapian.QueryParser()
    parser.set_stemmer(stem)
    parser.set_stemming_strategy(xapian.QueryParser.STEM_SOME)
    parser.set_default_op(xapian.Query.OP_OR)
    enquire = xapian.Enquire(db)

    def parsed(text):
        return parser.parse_query(text, xapian.QueryParser.FLAG_CJK_NGRAM)

    def query(text):
        try:
            return parsed(" ".join(words(text)))
        except xapian.QueryParserError:  # one of the words is more than Xapian takes: the others count
            parts = []
            for w in words(text):
                with contextlib.suppress(xapian.QueryParserError):
                    parts.append(parsed(w))
            return xapian.Query(xapian.Query.OP_OR, parts)

    def ask(text):
        enquire.set_query(query(text))
        return [m.document.get_data().decode() for m in enquire.get_mset(0, args.depth)]
    return timed(queries, ask)


def postgres(args, corpus, queries, scratch):
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    try:
        import psycopg2
    except ImportError:
        found = []
    if not found:
        return missing("PostgreSQL", "postgresql and python3-psycopg2")
    with server(found[-1].parent) as socket:
        db = psycopg2.connect(host=socket, dbname="postgres", user="peer")
        db.autocommit = True
        cursor = db.cursor()
        cursor.execute("CREATE TABLE a (id text, t tsvector)")
        for key, title, body in articles(corpus):  # a tsvector holds at most 1 MB
            cursor.execute("INSERT INTO a VALUES (%s, setweight(to_tsvector('english', %s), 'A') || to_tsvector('english', %s))",
                           (key, title.replace("\0", ""), body.replace("\0", "")[:500_000]))
        cursor.execute("CREATE INDEX ON a USING gin (t)")
        cursor.execute("ANALYZE a")

        def ask(text):
            some = " | ".join(f"'{w}'" for w in words(text))
            if not some:
                return []
            cursor.execute("SELECT id FROM a, to_tsquery('english', %s) q WHERE t @@ q ORDER BY ts_rank(t, q) DESC LIMIT %s", (some, args.depth))
            return [r[0] for r in cursor.fetchall()]
        return timed(queries, ask)


@contextlib.contextmanager
def server(programs):
    """A PostgreSQL server of its own, on a socket in a folder that goes with it. Root may not run one: the packages' user does."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="peer-"))
    su = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if su:
        shutil.chown(folder, "postgres")
    quiet = dict(check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
    data = folder / "data"
    try:
        subprocess.run([*su, programs / "initdb", "-D", data, "-U", "peer", "-A", "trust", "-E", "UTF8", "--locale=C"], **quiet)
        subprocess.run([*su, programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", f"-k {folder} -c listen_addresses='' -c fsync=off", "start"], **quiet)
        yield str(folder)
    finally:
        subprocess.run([*su, programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **dict(quiet, check=False))
        shutil.rmtree(folder, ignore_errors=True)


def missing(system, package):
    print(f"{system} is not installed and is left out (package {package}; make bench-search PEERS=install)", file=sys.stderr)


if __name__ == "__main__":
    main()
