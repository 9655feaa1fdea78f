package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"prediag"
	"prediag/internal/concept"
)

// page is what the front matter of an article, or a record of faq.jsonl, must say.
type page struct {
	ID       string   `yaml:"id" json:"id"`
	Title    string   `yaml:"title" json:"title"`
	Language string   `yaml:"language" json:"lang"`
	Product  string   `yaml:"product" json:"product"`
	Category string   `yaml:"category" json:"category"`
	Kind     string   `yaml:"kind" json:"kind"`
	Group    string   `yaml:"group" json:"group"`
	Updated  string   `yaml:"updated" json:"-"`
	Codes    []string `yaml:"codes" json:"-"`
	URL      string   `yaml:"url" json:"url"`
	Body     string   `yaml:"-" json:"body"`
	file     string
}

// topics maps every group to its category; code tables belong to none.
var topics = map[string]string{
	"acs-start-insufficient-resources": "compute/start-failure",
	"acs-start-boot-disk-damaged":      "compute/start-failure",
	"acs-login-ssh-timeout":            "compute/login-failure",
	"acs-login-windows-rdp-password":   "compute/login-failure",
	"acs-performance-cpu-steal":        "compute/performance",
	"acs-resize-quota-exceeded":        "compute/resize-quota",
	"abs-disk-expand-filesystem":       "storage/disk-expand",
	"abs-attach-device-busy":           "storage/attach-failure",
	"aos-access-denied-policy":         "storage/object-access",
	"aos-upload-slow-multipart":        "storage/object-access",
	"abs-snapshot-restore":             "storage/snapshot-restore",
	"avn-security-group-blocked":       "network/connectivity",
	"avn-packet-loss-mtu":              "network/connectivity",
	"alb-502-backend-unhealthy":        "network/load-balancer",
	"adn-record-not-resolving":         "network/dns",
	"avn-vpn-tunnel-down":              "network/vpn-peering",
	"adb-too-many-connections":         "database/connection",
	"adb-connection-refused-whitelist": "database/connection",
	"adb-slow-query-missing-index":     "database/slow-query",
	"adb-point-in-time-restore":        "database/backup-restore",
	"ake-image-pull-backoff":           "container/image-pull",
	"ake-pod-crashloop-oom":            "container/pod-crash",
	"ake-node-not-ready":               "container/node-not-ready",
	"aim-mfa-device-lost":              "identity/login-mfa",
	"aim-permission-denied-role":       "identity/permission",
	"aim-access-key-leaked-rotate":     "identity/access-key",
	"abm-invoice-download-title":       "billing/invoice",
	"abm-refund-five-days":             "billing/refund",
	"abm-unexpected-charge-traffic":    "billing/unexpected-charge",
	"asc-certificate-expired-renew":    "security/certificate",
	"acs-fault-codes":                  "",
	"aos-fault-codes":                  "",
	"adb-fault-codes":                  "",
	"ake-fault-codes":                  "",
}

var (
	kinds = []string{"guide", "faq", "troubleshooting", "errorcode", "alarm", "best-practice"}
	codes = regexp.MustCompile(`^([A-Z]{3}\.\d{4}|ALM-\d{5})$`)
	// command is the platform's own CLI with its object and verb, e.g. "ark storage disk attach".
	command = regexp.MustCompile(`\bark [a-z]+ [a-z-]+( [a-z-]+)?`)
)

func TestEveryArticleIsDescribed(t *testing.T) {
	seen := map[string]string{}
	for _, p := range pages(t) {
		t.Run(p.ID, func(t *testing.T) {
			require.Empty(t, seen[p.ID], "id used twice")
			seen[p.ID] = p.file
			category, known := topics[p.Group]
			require.True(t, known, "unknown group %q", p.Group)
			require.Equal(t, category, p.Category)
			require.Equal(t, p.Group+"-"+p.Language, p.ID)
			require.Contains(t, kinds, p.Kind)
			require.Equal(t, category == "", p.Kind == "errorcode")
			require.NotEmpty(t, p.Title)
			require.NotContains(t, p.Title, "\n")
			if category != "" {
				require.Equal(t, strings.SplitN(category, "/", 2)[0], p.Product)
			}
			require.True(t, strings.HasPrefix(p.URL, "https://help.arkcloud.example/"+p.Language+"/"), p.URL)
			require.Greater(t, len(p.Body), 600, "body too short to help anybody")
		})
	}
}

func TestFrontMatterOfFiles(t *testing.T) {
	for _, p := range pages(t) {
		if p.file == "faq.jsonl" {
			continue
		}
		t.Run(p.ID, func(t *testing.T) {
			require.Equal(t, p.Language, path.Dir(p.file))
			require.Equal(t, p.ID, strings.TrimSuffix(path.Base(p.file), path.Ext(p.file)))
			_, err := time.Parse(time.DateOnly, p.Updated)
			require.NoError(t, err)
			require.NotEmpty(t, p.Codes)
			for _, c := range p.Codes {
				require.Regexp(t, codes, c)
				require.Contains(t, p.Body, c, "code of the front matter is not explained")
			}
		})
	}
}

func TestNumbersOfArticles(t *testing.T) {
	languages, groups, rst := map[string]int{}, map[string]map[string]bool{}, 0
	all := pages(t)
	for _, p := range all {
		languages[p.Language]++
		if groups[p.Group] == nil {
			groups[p.Group] = map[string]bool{}
		}
		groups[p.Group][p.Language] = true
		if path.Ext(p.file) == ".rst" {
			rst++
		}
	}
	require.GreaterOrEqual(t, len(all), 80)
	require.Equal(t, 4, rst)
	for _, l := range []string{"zh", "en", "ja", "ko"} {
		require.GreaterOrEqual(t, languages[l], 15, l)
	}
	require.Len(t, groups, len(topics))
	for g, have := range groups {
		require.True(t, have["en"] && have["zh"], "group %s lacks en or zh", g)
	}
}

// A page's codes and commands must be the same in all its languages, or what is cited would depend on the language.
func TestTranslationsAgree(t *testing.T) {
	codesOf, commandsOf := map[string][]string{}, map[string][]string{}
	for _, p := range pages(t) {
		if p.file == "faq.jsonl" {
			continue
		}
		found := command.FindAllString(p.Body, -1)
		slices.Sort(found)
		found = slices.Compact(found)
		if codesOf[p.Group] == nil {
			codesOf[p.Group], commandsOf[p.Group] = p.Codes, found
		}
		require.Equal(t, codesOf[p.Group], p.Codes, p.ID)
		require.Equal(t, commandsOf[p.Group], found, p.ID)
	}
}

// TestGlossaryNamesThingsInFourLanguages reads the glossary as the search does, and says which concepts lack a language.
func TestGlossaryNamesThingsInFourLanguages(t *testing.T) {
	raw, err := Glossary()
	require.NoError(t, err)
	g, err := concept.Parse(raw)
	require.NoError(t, err)
	require.Greater(t, len(g.Concepts), 20)
	for id, labels := range g.Concepts {
		for _, language := range []string{"en", "zh", "ja", "ko"} {
			require.NotEmpty(t, labels[language], "%s in %s", id, language)
		}
	}
	require.Empty(t, g.Ambiguous())
}

func TestCodeFencesAreClosed(t *testing.T) {
	for _, p := range pages(t) {
		require.Zero(t, strings.Count(p.Body, "```")%2, p.ID)
	}
}

func TestOpenTickets(t *testing.T) {
	fsys := fstest.MapFS{"tickets/train.jsonl": {Data: []byte(`{"id":"1"}`)}}
	r, err := open(fsys, "tickets/train.jsonl")
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.JSONEq(t, `{"id":"1"}`, string(got))

	_, err = open(fsys, "tickets/eval.jsonl")
	require.ErrorIs(t, err, prediag.ErrNotFound)
	require.ErrorContains(t, err, "tickets/eval.jsonl")
}

func TestTicketsAreRecordsOrSaidToBeMissing(t *testing.T) {
	for name, f := range map[string]func() (io.Reader, error){"train": TrainTickets, "eval": EvalTickets} {
		t.Run(name, func(t *testing.T) {
			r, err := f()
			if err != nil {
				require.ErrorIs(t, err, prediag.ErrNotFound)
				return
			}
			for dec := json.NewDecoder(r); ; {
				var ticket struct{ ID, Category string }
				if err = dec.Decode(&ticket); errors.Is(err, io.EOF) {
					return
				}
				require.NoError(t, err)
				require.NotEmpty(t, ticket.ID)
			}
		})
	}
}

// pages reads every article of the knowledge base.
func pages(t *testing.T) []page {
	t.Helper()
	var all []page
	kb := Articles()
	err := fs.WalkDir(kb, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(kb, name)
		require.NoError(t, err)
		require.NotContains(t, string(data), "\r", name)
		all = append(all, parse(t, name, data)...)
		return nil
	})
	require.NoError(t, err)
	return all
}

func parse(t *testing.T, name string, data []byte) []page {
	t.Helper()
	switch path.Ext(name) {
	case ".jsonl":
		return parseRecords(t, name, data)
	case ".rst":
		return []page{parseFields(t, name, string(data))}
	}
	require.Equal(t, ".md", path.Ext(name), "%s is of no known format", name)
	parts := strings.SplitN(string(data), "---\n", 3)
	require.Len(t, parts, 3, name)
	require.Empty(t, parts[0], name)
	p := page{file: name, Body: parts[2]}
	dec := yaml.NewDecoder(strings.NewReader(parts[1]))
	dec.KnownFields(true)
	require.NoError(t, dec.Decode(&p), name)
	return []page{p}
}

func parseRecords(t *testing.T, name string, data []byte) []page {
	t.Helper()
	var all []page
	for line := range bytes.Lines(data) {
		p := page{file: name}
		require.NoError(t, json.Unmarshal(line, &p), name)
		all = append(all, p)
	}
	return all
}

// parseFields reads the field list at the top of a reStructuredText file.
func parseFields(t *testing.T, name, text string) page {
	t.Helper()
	head, body, found := strings.Cut(text, "\n\n")
	require.True(t, found, name)
	field := map[string]string{}
	for line := range strings.Lines(head) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		require.Len(t, parts, 3, line)
		field[parts[1]] = strings.TrimSpace(parts[2])
	}
	return page{
		file: name, Body: body, ID: field["id"], Title: field["title"], Language: field["language"], Product: field["product"],
		Category: field["category"], Kind: field["kind"], Group: field["group"], Updated: field["updated"],
		Codes: strings.Split(field["codes"], ", "), URL: field["url"],
	}
}
