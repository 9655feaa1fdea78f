package kb

import (
	"math"

	"prediag"
)

// leadDepth is how many articles behind a hit its score is compared with.
const leadDepth = 9

// lead says how far the article at a place of the ranking stands above those behind it: the distance of its score for the
// query's words to the mean of the next nine that bear another title, over the square root of the query's information. A
// score grows with the information that a query holds, and the distance between two that are right and wrong by chance
// with its square root (Zhou and Croft 2007, "Query performance prediction in web search environments": weighted
// information gain; Shtok, Kurland and Carmel 2012 on what the scores behind the first say). Where nothing follows, the
// distance is to zero. Codes count for nothing here: that one is explained is known without a lead.
func lead(list []candidate, at int, mass float64) float64 {
	if mass <= 0 {
		return 0
	}
	own, sum, n := list[at], 0.0, 0
	for _, c := range list[at+1:] {
		if n == leadDepth {
			break
		}
		if c.title == own.title && c.title != [titleKeySize]byte{} || c.words == 0 && c.near != nil { // found by its vector alone
			continue
		}
		sum += c.words
		n++
	}
	return max(0, own.words-sum/float64(max(n, 1))) / math.Sqrt(mass)
}

// setLeads fills in Hit.Lead, Hit.Rarity and Hit.Early of a page. list are the articles that the second stage scored; hits behind
// them have none.
func (r *reader) setLeads(q *query, hits []prediag.Hit, list []candidate, mass float64) {
	for i := range hits {
		if at := q.Offset + i; at < len(list) {
			hits[i].Lead, hits[i].Early = lead(list, at, mass), list[at].early
			hits[i].Rarity = r.manifest.Leads.rarity(hits[i].Lead, q.settings)
		}
	}
}
