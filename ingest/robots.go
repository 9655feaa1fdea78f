package ingest

import (
	"strconv"
	"strings"
	"time"
)

// robots is what a robots.txt asks of this program (RFC 9309, with the common Crawl-delay).
type robots struct {
	rules    []robotsRule
	delay    time.Duration
	sitemaps []string
}

type robotsRule struct {
	pattern string
	allow   bool
}

const (
	maxRobots     = 500 << 10 // bytes of a robots.txt that are read
	maxRules      = 5000
	maxCrawlDelay = time.Minute
	robotsName    = "prediag-ingest"
)

// parseRobots reads a robots.txt: the groups for this program, or else those for all.
func parseRobots(text string) robots {
	var named, all robots
	hasNamed := false
	text = clip(text, maxRobots)
	var forNamed, forAll, inRules bool
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)
		switch key {
		case "user-agent":
			if inRules {
				forNamed, forAll, inRules = false, false, false
			}
			forAll = forAll || value == "*"
			if strings.EqualFold(value, robotsName) || strings.EqualFold(value, "prediag") {
				forNamed, hasNamed = true, true
			}
		case "sitemap":
			if len(all.sitemaps) < 100 {
				all.sitemaps = append(all.sitemaps, value)
			}
		case "allow", "disallow", "crawl-delay":
			inRules = true
			if forNamed {
				named.add(key, value)
			}
			if forAll {
				all.add(key, value)
			}
		}
	}
	if hasNamed {
		named.sitemaps = all.sitemaps
		return named
	}
	return all
}

// add takes a line of a group.
func (r *robots) add(key, value string) {
	if key == "crawl-delay" {
		if s, err := strconv.ParseFloat(value, 64); err == nil && s > 0 {
			r.delay = min(time.Duration(min(s, 1e6)*float64(time.Second)), maxCrawlDelay)
		}
		return
	}
	if value != "" && len(r.rules) < maxRules {
		r.rules = append(r.rules, robotsRule{pattern: value, allow: key == "allow"})
	}
}

// allows reports whether a path, with its query, may be read: the longest rule that matches decides, and of two the one
// that allows.
func (r robots) allows(path string) bool {
	if path == "" {
		path = "/"
	}
	best, allowed := -1, true
	for _, rule := range r.rules {
		if n := len(rule.pattern); (n > best || n == best && rule.allow) && matchRobots(rule.pattern, path) {
			best, allowed = n, rule.allow
		}
	}
	return allowed
}

// matchRobots matches a rule: "*" stands for anything, "$" at its end for the end.
func matchRobots(pattern, path string) bool {
	pattern, anchored := strings.CutSuffix(pattern, "$")
	parts := strings.Split(pattern, "*")
	if !strings.HasPrefix(path, parts[0]) {
		return false
	}
	rest := path[len(parts[0]):]
	for i, p := range parts[1:] {
		if i == len(parts)-2 && anchored {
			return strings.HasSuffix(rest, p)
		}
		at := strings.Index(rest, p)
		if at < 0 {
			return false
		}
		rest = rest[at+len(p):]
	}
	return !anchored || rest == ""
}
