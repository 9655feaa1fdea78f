// Package eval measures classifiers and searches offline, says how sure each figure is, and compares two runs.
//
// It has three layers. Measures are pure functions of truth and prediction, named as they are cited (Accuracy, ECE,
// NDCG ...); each says where its definition comes from. Classify and Retrieve run one of the root package's seams over
// a data set and sum it up in a report whose JSON keys never change, because scripts depend on them. On top of the
// reports stand the registry of runs, the paired comparison with its verdict, and the documents for people.
//
// Reports are the same to the byte for the same inputs, whatever the order of the items and the number of workers;
// only latencies, measured with the caller's clock, differ. A measure that is not defined (no items, one class only)
// is null, never NaN. Items that failed are counted apart.
package eval
