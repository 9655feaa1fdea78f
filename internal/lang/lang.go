// Package lang names the language of a text.
package lang

import "strings"

// Base returns the lower-case base language of a BCP 47 tag: "zh-Hant" gives "zh".
func Base(tag string) string {
	if i := strings.IndexAny(tag, "-_"); i >= 0 {
		tag = tag[:i]
	}
	return strings.ToLower(tag)
}

// Match reports whether two BCP 47 tags have the same base language.
func Match(want, have string) bool { return Base(want) == Base(have) }
