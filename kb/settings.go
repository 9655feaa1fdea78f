package kb

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// scoring is the version of how postings become scores, coverage and order. It changes with the method; a changed constant
// changes Settings by itself.
const scoring = 4

// Settings is a short hash of how text is analysed and scored: what was fitted on scores holds as long as it stays the same.
// It does not depend on the articles.
func Settings() string {
	sum := sha256.Sum256(fmt.Append(nil, analysis, scoring, leadDepth, k1, b, titleB, titleWeight, untitled, categoryGain,
		stopWeight, stopCJKWeight, kanaWeight, wordGain, conceptsVersion, stopFile, stopCharacters, maxTermBytes, maxQueryTerms, maxScored, maxPostings,
		maxExpanded, maxBigrams, genericShare, maxGeneric, maxTargets, targetShare, maxAlts, minAltWeight, bridgeWeight, bridgeDepth, besideOwn, glossaryWeight,
		rerankDepth, shortDepth, maxRerankBytes, windowTokens, windowStep, nearTokens, nearK1, nearB, passageWeight, nearWeight, coveragePower, tightGain, tightTokens, shortArticle, longArticle,
		earlyGain, earlyTokens, languageGain, twinShare, productGain, historyShare, historyTitles, minTypo, maxTypos, maxTyped, maxDistance, typoShare))
	return "kb-" + hex.EncodeToString(sum[:6])
}
