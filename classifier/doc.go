// Package classifier says what a ticket is: it learns one softmax classifier per field ("head") from labelled tickets,
// calibrates it on tickets that it did not learn from, keeps it in a folder of checksummed files and answers
// prediag.Classifier.
//
// All heads share one exact vocabulary of hashed features: words, word pairs next to each other and anywhere in a
// window, character sequences within words, beginnings and endings, style, product and codes; runs of scripts without
// spaces count character by character. Networks and a linear part vote, weighed out of sample. Training
// is deterministic: the same examples, options and seed give byte-identical files on any number of cores, because
// mini-batches are reduced in a fixed order and every row of weights has one owner.
package classifier
