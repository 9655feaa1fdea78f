package eval

import (
	"cmp"
	"strings"
	"time"
	"unicode/utf8"

	"prediag"
)

// slicesOf gives the parts of the data that a ticket belongs to: "length" of the text, and where known "category", its
// "area" (the first level of a path), "tier", "product", "source", and "age" beside the newest ticket.
func slicesOf(e prediag.Example, newest time.Time) map[string]string {
	s := map[string]string{"length": lengthBand(e.Ticket.Text())}
	category := e.Labels[prediag.FieldCategory]
	addSlices(s, map[string]string{
		"category": category, "area": areaOf(category), "tier": e.Labels[prediag.FieldTier], "product": e.Ticket.Product,
		"source": cmp.Or(e.Ticket.Fields["source"], e.Source), "age": ageBand(newest, e.Ticket.Created),
	})
	return s
}

// addSlices adds what is known.
func addSlices(to, more map[string]string) {
	for name, value := range more {
		if value != "" {
			to[name] = value
		}
	}
}

// areaOf is the first level of a path of several.
func areaOf(category string) string {
	area, _, path := strings.Cut(category, "/")
	if !path {
		return ""
	}
	return area
}

// newestTicket is the time of the last ticket, so that ages do not depend on a clock; zero when none has one.
func newestTicket(examples []prediag.Example) (newest time.Time) {
	for _, e := range examples {
		if e.Ticket.Created.After(newest) {
			newest = e.Ticket.Created
		}
	}
	return newest
}

// ageBand names how much older than the newest something is; empty when it is not known.
func ageBand(newest, created time.Time) string {
	if created.IsZero() || newest.IsZero() {
		return ""
	}
	switch days := newest.Sub(created).Hours() / 24; {
	case days < 7:
		return "under 7 days"
	case days < 30:
		return "7 to 29 days"
	case days < 90:
		return "30 to 89 days"
	case days < 365:
		return "90 to 364 days"
	}
	return "365 days and more"
}

// lengthBand names the text's length in characters.
func lengthBand(text string) string {
	switch n := utf8.RuneCountInString(text); {
	case n < 50:
		return "under 50"
	case n < 200:
		return "50 to 199"
	case n < 1000:
		return "200 to 999"
	}
	return "1000 and more"
}

// bandOrder puts the bands of length and age in their own order: by the number that they begin at.
func bandOrder(value string) int {
	if strings.HasPrefix(value, "under ") {
		return 0
	}
	from, n := 0, 0
	for _, r := range value {
		if r < '0' || r > '9' {
			break
		}
		from, n = from*10+int(r-'0'), n+1
	}
	if n == 0 || n > 6 {
		return 0
	}
	return from
}

// bySlice groups items by the parts of the data that they belong to: name, value.
func bySlice[T any](items []T, of func(T) map[string]string) map[string]map[string][]T {
	groups := map[string]map[string][]T{}
	for _, it := range items {
		for name, value := range of(it) {
			if groups[name] == nil {
				groups[name] = map[string][]T{}
			}
			groups[name][value] = append(groups[name][value], it)
		}
	}
	return groups
}

// sliceReports sums every group up.
func sliceReports[T, R any](groups map[string]map[string][]T, sum func([]T) R) map[string]map[string]R {
	out := make(map[string]map[string]R, len(groups))
	for name, values := range groups {
		out[name] = make(map[string]R, len(values))
		for value, items := range values {
			out[name][value] = sum(items)
		}
	}
	return out
}
