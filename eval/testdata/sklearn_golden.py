# Makes sklearn_golden.json: random cases with scikit-learn's results (Debian's python3-sklearn 1.2.1).
# Run: /usr/bin/python3 sklearn_golden.py > sklearn_golden.json
import json
import warnings

import numpy as np
from sklearn import metrics as m

warnings.filterwarnings("ignore")
rng = np.random.default_rng(20261122)


def ece(conf, right, bins):
    """Guo et al. 2017, written apart from the Go code: edges by digitize, bins open below."""
    which = np.clip(np.digitize(conf, np.linspace(0, 1, bins + 1), right=True) - 1, 0, bins - 1)
    return sum(abs(conf[which == b].sum() - right[which == b].sum()) for b in range(bins)) / len(conf)


def aurc(conf, right):
    order = np.argsort(-conf, kind="stable")
    return float(np.mean(np.cumsum(1 - right[order]) / np.arange(1, len(conf) + 1)))


cases = []
for n, k in [(1, 2), (2, 2), (5, 2), (10, 3), (20, 2), (30, 4), (50, 7), (80, 5), (120, 12), (200, 3)]:
    names = [f"c{i:02d}" for i in range(k)]
    y = rng.integers(0, k, n)
    logits = rng.normal(size=(n, k)) + 1.5 * np.eye(k)[y]
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    pred = p.argmax(1)
    conf, right = p.max(1), (pred == y).astype(float)
    yt, yp = [names[i] for i in y], [names[i] for i in pred]
    labels = sorted(set(yt) | set(yp))
    prec, rec, f1, sup = m.precision_recall_fscore_support(yt, yp, labels=labels, zero_division=0)
    score = np.round(p[:, 0], 1)  # ties
    positive = y == 0
    cases.append(dict(
        truth=yt, predicted=yp, classes=names, probabilities=p.tolist(), score=score.tolist(), positive=positive.tolist(),
        labels=labels, precision=prec.tolist(), recall=rec.tolist(), f1=f1.tolist(), support=sup.tolist(),
        accuracy=m.accuracy_score(yt, yp), balanced_accuracy=m.balanced_accuracy_score(yt, yp),
        macro_f1=m.f1_score(yt, yp, average="macro"), micro_f1=m.f1_score(yt, yp, average="micro"),
        weighted_f1=m.f1_score(yt, yp, average="weighted"), mcc=m.matthews_corrcoef(yt, yp),
        log_loss=m.log_loss(yt, p, labels=names), confusion=m.confusion_matrix(yt, yp, labels=labels).tolist(),
        top2=m.top_k_accuracy_score(y, p, k=2, labels=range(k)) if k > 2 else None,
        brier=m.brier_score_loss(y, p[:, 1]) if k == 2 else None,
        auroc=m.roc_auc_score(positive, score) if 0 < positive.sum() < n else None,
        ece=ece(conf, right, 15), aurc=aurc(conf, right),
    ))
ranking = []
for n in [3, 5, 12, 30, 150]:
    grades = rng.integers(0, 4, n) * (rng.random(n) < 0.5)
    grades[0] = 2  # at least one relevant document
    score = rng.permutation(n) / 7
    ranking.append(dict(
        grades=grades.tolist(), score=score.tolist(),
        **{f"ndcg_{k}": m.ndcg_score([grades], [score], k=k, ignore_ties=True) for k in (1, 10, 100)},
        ap=m.average_precision_score(grades > 0, score)))
print(json.dumps(dict(labels=cases, ranking=ranking)))
