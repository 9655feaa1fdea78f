package eval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"prediag"
)

// originExtractive is the origin of drafts that quote articles and ask no language model.
const originExtractive = "extractive"

// Price is what a language model charges for a million tokens.
type Price struct {
	Input  float64 `json:"input"`
	Output float64 `json:"output"`
}

// Prices are the prices of language models by the name that Draft.Origin states.
type Prices struct {
	Currency string           `json:"currency"`
	Models   map[string]Price `json:"models"`
}

// ReadPrices reads {"currency": "USD", "models": {"NAME": {"input": 3, "output": 15}}}, prices of a million tokens.
// Anything else is of kind ErrInvalid.
func ReadPrices(r io.Reader) (Prices, error) {
	raw, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return Prices{}, fmt.Errorf("prices: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var p Prices
	if err := d.Decode(&p); err != nil {
		return Prices{}, invalidPrice(err.Error())
	}
	for _, name := range slices.Sorted(maps.Keys(p.Models)) {
		if err := p.Models[name].check(name); err != nil {
			return Prices{}, err
		}
	}
	return p, nil
}

// ParsePrice reads "NAME=INPUT/OUTPUT", prices of a million tokens. Anything else is of kind ErrInvalid.
func ParsePrice(s string) (name string, price Price, err error) {
	i := strings.LastIndex(s, "=")
	if i > 0 {
		in, out, ok := strings.Cut(s[i+1:], "/")
		input, errIn := strconv.ParseFloat(in, 64)
		output, errOut := strconv.ParseFloat(out, 64)
		if ok && errIn == nil && errOut == nil {
			price = Price{input, output}
			return s[:i], price, price.check(s[:i])
		}
	}
	return "", Price{}, invalidPrice(fmt.Sprintf("%.80q is not NAME=INPUT/OUTPUT", s))
}

func (p Price) check(name string) error {
	for _, v := range []float64{p.Input, p.Output} {
		if !(v >= 0) || math.IsInf(v, 0) {
			return invalidPrice(fmt.Sprintf("the model %.80q has the price %v", name, v))
		}
	}
	return nil
}

func invalidPrice(what string) error {
	return prediag.Invalid("PRICE_INVALID", "prices",
		"prices of language models: "+what+`; give numbers of at least 0 for a million tokens, as NAME=3/15 or in a file {"currency": "USD", "models": {"NAME": {"input": 3, "output": 15}}}`)
}

// LLMReport says what the drafts asked of language models: means over the tickets that did not fail, with the 95 %
// percentile bootstrap over tickets.
type LLMReport struct {
	Drafts     int `json:"drafts"`     // written by a language model
	Extractive int `json:"extractive"` // quoted from articles: no language model was asked
	None       int `json:"none"`       // tickets without a draft
	Uncounted  int `json:"uncounted"`  // drafts by a language model that did not say its tokens

	InputTokens      Number `json:"input_tokens"` // for each ticket; null when a draft is uncounted
	InputTokensLow   Number `json:"input_tokens_low"`
	InputTokensHigh  Number `json:"input_tokens_high"`
	OutputTokens     Number `json:"output_tokens"`
	OutputTokensLow  Number `json:"output_tokens_low"`
	OutputTokensHigh Number `json:"output_tokens_high"`
	Cost             Number `json:"cost"` // money for each ticket; null when tokens or a price are missing
	CostLow          Number `json:"cost_low"`
	CostHigh         Number `json:"cost_high"`
	Currency         string `json:"currency,omitempty"`
	Unpriced         string `json:"unpriced,omitempty"` // the first model without a price
	Why              string `json:"why"`                // one sentence for people
}

// usesModel reports whether a language model wrote the item's draft.
func (it TriageItem) usesModel() bool { return it.Origin != "" && it.Origin != originExtractive }

func llmReport(done []TriageItem, opt TriageOptions) LLMReport {
	r := LLMReport{Currency: opt.Prices.Currency}
	var input, output, money []float64
	for _, it := range done {
		var in, out float64
		switch {
		case it.Origin == "":
			r.None++
		case it.Origin == originExtractive:
			r.Extractive++
		case it.Usage == nil:
			r.Drafts++
			r.Uncounted++
		default:
			r.Drafts++
			in, out = float64(it.Usage.InputTokens), float64(it.Usage.OutputTokens)
		}
		price, priced := opt.Prices.Models[it.Origin]
		if it.usesModel() && !priced && r.Unpriced == "" {
			r.Unpriced = it.Origin
		}
		input, output = append(input, in), append(output, out)
		money = append(money, (in*price.Input+out*price.Output)/1e6)
	}
	r.means(input, output, money, opt)
	r.Why = r.sentence()
	return r
}

func (r *LLMReport) means(input, output, money []float64, opt TriageOptions) {
	none := math.NaN()
	in, out, cost := meanOf(input), meanOf(output), meanOf(money)
	if r.Uncounted > 0 {
		in, out, cost = none, none, none
	}
	if r.Unpriced != "" {
		cost = none
	}
	iv := bootstrap(len(input), min(opt.Resamples, sliceResamples), opt.Seed, weightedMeans(input, output, money))
	r.InputTokens, r.InputTokensLow, r.InputTokensHigh = iv[0].around(in)
	r.OutputTokens, r.OutputTokensLow, r.OutputTokensHigh = iv[1].around(out)
	r.Cost, r.CostLow, r.CostHigh = iv[2].around(cost)
}

func (r LLMReport) sentence() string {
	switch {
	case r.Uncounted > 0:
		return fmt.Sprintf("%d of %d drafts by a language model come without a count of tokens, so that what they cost is not known", r.Uncounted, r.Drafts)
	case r.Unpriced != "":
		return fmt.Sprintf("%d drafts were written by a language model; there is no price for %q, give one", r.Drafts, r.Unpriced)
	case r.Drafts > 0:
		return fmt.Sprintf("%d drafts were written by a language model, %d are quoted from articles and cost nothing", r.Drafts, r.Extractive)
	}
	return fmt.Sprintf("no language model was asked: %d drafts are extractive, quoted from articles, and %d tickets have none", r.Extractive, r.None)
}

func (r LLMReport) rows() []FigureRow {
	rows := []FigureRow{
		{"language model, input tokens for each ticket", r.InputTokens, r.InputTokensLow, r.InputTokensHigh, ""},
		{"language model, output tokens for each ticket", r.OutputTokens, r.OutputTokensLow, r.OutputTokensHigh, ""},
		{strings.TrimSpace("language model, money for each ticket " + r.Currency), r.Cost, r.CostLow, r.CostHigh, ""},
	}
	if r.Drafts == 0 {
		for i := range rows {
			rows[i].Low, rows[i].High, rows[i].Note = Undefined(), Undefined(), "exact: none was asked"
		}
	}
	return rows
}
