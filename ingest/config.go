package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"prediag"
)

// SourceConfig declares a source. Which keys a kind takes beside the common ones is in docs/sources.md.
type SourceConfig struct {
	Name        string            `yaml:"name"`
	Kind        string            `yaml:"kind"`
	Location    string            `yaml:"location"` // path or URL
	Schedule    time.Duration     `yaml:"schedule"` // from one walk to the next; 0: as the service has it
	Language    string            `yaml:"language"`
	Product     string            `yaml:"product"`
	Category    string            `yaml:"category"`
	Audience    []string          `yaml:"audience"`
	AudienceMap map[string]string `yaml:"audience_map"`
	Include     []string          `yaml:"include"` // globs of paths; empty: all
	Exclude     []string          `yaml:"exclude"` // globs of paths
	Columns     *Columns          `yaml:"columns"`

	// Of sources that are reached over the network.
	Auth         Auth          `yaml:"auth"`
	Limits       Limits        `yaml:"limits"`
	AllowPrivate bool          `yaml:"allow_private"` // let it be at an address of a private network, or without TLS
	FullEvery    time.Duration `yaml:"full_every"`    // how often everything is listed, so that deletions are seen; 0: 24 h

	Branch string `yaml:"branch"` // git; empty: the remote's HEAD
	Path   string `yaml:"path"`   // git: folder in the repository
	Depth  int    `yaml:"depth"`  // git: commits of history; 0: 1

	Fetch bool `yaml:"fetch"` // feed: read the pages that entries point to

	Locales []string `yaml:"locales"` // zendesk; empty: all of the help center's

	Spaces []string `yaml:"spaces"` // confluence: IDs of spaces; empty: all
	Body   string   `yaml:"body"`   // confluence: storage or view
	CQL    string   `yaml:"cql"`    // confluence: which pages, in its query language

	Items        string            `yaml:"items"`         // json-api: path of the list in a reply; empty: the reply is the list
	Next         string            `yaml:"next"`          // json-api: path of the next page's URL or cursor
	NextParam    string            `yaml:"next_param"`    // json-api: parameter for the cursor; empty: Next is a URL
	Query        map[string]string `yaml:"query"`         // json-api: parameters of the first request
	UpdatedParam string            `yaml:"updated_param"` // json-api: parameter that asks for what changed since a time
	Deleted      string            `yaml:"deleted"`       // json-api: path of what is true in a deleted object

	line int // in the file of settings
}

// Auth says how a source's server is told who asks. Secrets are named, never written down.
type Auth struct {
	User       string `yaml:"user"`        // with it, HTTP Basic; without, a bearer token
	UserEnv    string `yaml:"user_env"`    // the same from an environment variable
	SecretEnv  string `yaml:"secret_env"`  // environment variable that holds the password or token
	SecretFile string `yaml:"secret_file"` // file that holds it
	Header     string `yaml:"header"`      // header that takes the token as it is, in place of Authorization
}

// Limits bound what is read from a source. Zero values mean the defaults.
type Limits struct {
	Items         int           `yaml:"items"`          // pages, posts, objects; default 100,000
	ResponseBytes int64         `yaml:"response_bytes"` // of one reply, unpacked; default 64 MiB for lists, 5 MiB for pages
	Timeout       time.Duration `yaml:"timeout"`        // of one request; default 60 s
	Retries       int           `yaml:"retries"`        // of one request; default 4
	Delay         time.Duration `yaml:"delay"`          // between two requests; default 0, for a sitemap 1 s
	RetryBudget   time.Duration `yaml:"retry_budget"`   // of waiting in one walk; default 10 min
}

// Setup is what sources need from their surroundings. Zero values mean the defaults.
type Setup struct {
	Dir    string                                     // folder that relative locations start from; default the current one
	Cache  string                                     // folder for clones of repositories; default one for temporary files
	Getenv func(name string) string                   // default os.Getenv
	Now    func() time.Time                           // default time.Now
	Logger *slog.Logger                               // default: none
	Sleep  func(context.Context, time.Duration) error // waits; default by the clock
}

func (s *Setup) setDefaults() {
	if s.Getenv == nil {
		s.Getenv = os.Getenv
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	if s.Cache == "" {
		s.Cache = filepath.Join(os.TempDir(), "prediag-cache")
	}
	if s.Sleep == nil {
		s.Sleep = sleep
	}
}

// sleep waits for a time, or for ctx's end.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// kind is a way in which articles come. A new one is a file of its own and a line in kinds.
type kind struct {
	keys []string // that it takes beside the common ones
	open func(c SourceConfig, s Setup) (Source, error)
}

// kinds are the kinds of sources by name.
func kinds() map[string]kind {
	return map[string]kind{
		"files":      filesKind(),
		"git":        gitKind(),
		"feed":       feedKind(),
		"sitemap":    sitemapKind(),
		"zendesk":    zendeskKind(),
		"confluence": confluenceKind(),
		"json-api":   jsonAPIKind(),
	}
}

// networkKeys are what every kind takes that asks a server.
var networkKeys = [...]string{"auth", "limits", "allow_private", "full_every"}

// commonKeys are what every kind takes.
var commonKeys = [...]string{"name", "kind", "location", "schedule", "language", "product", "category", "audience", "audience_map", "include", "exclude"}

// ParseSources reads a file of settings that declares sources. Everything that is wrong with it is one error of kind
// ErrInvalid that names file and line, what was expected, and the remedy.
func ParseSources(file string, raw []byte) ([]SourceConfig, error) {
	fault := func(line int, format string, args ...any) error {
		return prediag.Invalid("SOURCES_INVALID", "sources", fmt.Sprintf("%s:%d: %s", file, line, fmt.Sprintf(format, args...)))
	}
	var doc struct {
		Sources []yaml.Node `yaml:"sources"`
	}
	var root yaml.Node
	if err := yaml.Unmarshal(raw, &root); err != nil {
		return nil, prediag.Invalid("SOURCES_INVALID", "sources", file+": "+strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(root.Content) == 0 || root.Content[0].Kind != yaml.MappingNode {
		return nil, fault(1, "expected a list under the key sources")
	}
	if line, err := checkKeys(root.Content[0], []string{"sources"}); err != nil {
		return nil, fault(line, "%s", err)
	}
	if err := root.Decode(&doc); err != nil || len(doc.Sources) == 0 {
		return nil, fault(root.Content[0].Line, "expected a list of at least one source under the key sources")
	}
	out := make([]SourceConfig, len(doc.Sources))
	for i := range doc.Sources {
		c, line, err := parseSource(&doc.Sources[i])
		if err != nil {
			return nil, fault(line, "%s", err)
		}
		if slices.ContainsFunc(out[:i], func(o SourceConfig) bool { return o.Name == c.Name }) {
			return nil, fault(line, "name %q is used twice; give every source a name of its own", c.Name)
		}
		out[i] = c
	}
	return out, nil
}

// parseSource reads one declaration. With an error comes the line that it is about.
func parseSource(n *yaml.Node) (c SourceConfig, line int, err error) {
	if n.Kind != yaml.MappingNode {
		return c, n.Line, errors.New("expected a source: keys such as name, kind and location")
	}
	var head struct {
		Kind string `yaml:"kind"`
	}
	_ = n.Decode(&head) // what is wrong is found below
	all := kinds()
	k, ok := all[head.Kind]
	if !ok {
		return c, n.Line, fmt.Errorf("kind %q is not known; known are %s", head.Kind, strings.Join(slices.Sorted(maps.Keys(all)), ", "))
	}
	if line, err := checkKeys(n, append(commonKeys[:], k.keys...)); err != nil {
		return c, line, fmt.Errorf("source of kind %s: %w", head.Kind, err)
	}
	if err := n.Decode(&c); err != nil {
		return c, n.Line, errors.New(strings.TrimPrefix(err.Error(), "yaml: "))
	}
	c.line = n.Line
	return c, n.Line, c.check()
}

// nested are the keys of the objects in a declaration.
var nested = map[string][]string{
	"auth":   {"user", "user_env", "secret_env", "secret_file", "header"},
	"limits": {"items", "response_bytes", "timeout", "retries", "delay", "retry_budget"},
	"columns": {"id", "title", "body", "url", "language", "product", "category", "kind", "group", "updated", "audience", "code", "message",
		"meaning", "solution", "format", "body_format"},
}

// checkKeys refuses keys that are not known.
func checkKeys(n *yaml.Node, known []string) (line int, err error) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !slices.Contains(known, key.Value) {
			return key.Line, fmt.Errorf("unknown key %q; known are %s", key.Value, strings.Join(slices.Sorted(slices.Values(known)), ", "))
		}
		if inner, ok := nested[key.Value]; ok {
			if value.Kind != yaml.MappingNode {
				return key.Line, fmt.Errorf("expected keys under %q", key.Value)
			}
			if line, err := checkKeys(value, inner); err != nil {
				return line, fmt.Errorf("%s: %w", key.Value, err)
			}
		}
	}
	return 0, nil
}

// check refuses values that cannot be meant.
func (c *SourceConfig) check() error {
	switch {
	case !validID(c.Name) || len(c.Name) > 100:
		return fmt.Errorf("name %q: give the source a name of 1 to 100 bytes", c.Name)
	case c.Location == "":
		return fmt.Errorf("source %q: location is missing", c.Name)
	case c.Schedule != 0 && c.Schedule < time.Minute:
		return fmt.Errorf("source %q: schedule takes 1m or more, e.g. 6h", c.Name)
	case c.FullEvery < 0 || c.Limits.Items < 0 || c.Limits.ResponseBytes < 0 || c.Limits.Timeout < 0 || c.Limits.Retries < 0 || c.Limits.Delay < 0 ||
		c.Limits.RetryBudget < 0 || c.Depth < 0:
		return fmt.Errorf("source %q: limits and times take 0 (the default) or more", c.Name)
	case c.Language != "" && canonicalTag(c.Language) == "":
		return fmt.Errorf("source %q: language %q is no language tag such as en or zh-Hant", c.Name, c.Language)
	case c.Auth.SecretEnv != "" && c.Auth.SecretFile != "":
		return fmt.Errorf("source %q: auth takes secret_env or secret_file, not both", c.Name)
	case c.Auth != (Auth{}) && c.Auth.SecretEnv == "" && c.Auth.SecretFile == "":
		return fmt.Errorf("source %q: auth needs secret_env or secret_file: secrets do not stand in this file", c.Name)
	}
	for _, who := range c.Audience {
		if strings.TrimSpace(who) == "" {
			return fmt.Errorf("source %q: audience holds an empty name; leave the key out if everybody may read", c.Name)
		}
	}
	_, err := newFilter(c.Include, c.Exclude)
	if err != nil {
		return fmt.Errorf("source %q: %w", c.Name, err)
	}
	return nil
}

// Open opens a declared source. Credentials are read when the source is walked, so that they may change.
func (c SourceConfig) Open(s Setup) (Source, error) {
	s.setDefaults()
	k, ok := kinds()[c.Kind]
	if !ok {
		return nil, prediag.Invalid("SOURCES_INVALID", "sources", fmt.Sprintf("source %q: kind %q is not known", c.Name, c.Kind))
	}
	src, err := k.open(c, s)
	if err != nil {
		return nil, fmt.Errorf("source %q: %w", c.Name, err)
	}
	f, err := newFilter(c.Include, c.Exclude)
	if err != nil {
		return nil, err
	}
	d := declared{src: src, config: c, filter: f, defaults: &Defaults{
		Language: c.Language, Product: c.Product, Category: c.Category, Audience: c.Audience, AudienceMap: c.AudienceMap, Columns: c.Columns,
	}}
	if inc, ok := src.(Incremental); ok {
		return declaredIncremental{declared: d, inc: inc}, nil
	}
	return d, nil
}

// declared is a source with what was configured for all kinds.
type declared struct {
	src      Source
	config   SourceConfig
	filter   filter
	defaults *Defaults
}

func (d declared) Name() string { return d.config.Name }

// Every is the source's own schedule, 0 when it has none.
func (d declared) Every() time.Duration { return d.config.Schedule }

// Config names what was configured.
func (d declared) Config() string { return d.config.hash() }

func (d declared) Walk(ctx context.Context, yield func(Item) error) error {
	return d.named(d.src.Walk(ctx, d.complete(yield)))
}

// named puts the source's name in front of an error.
func (d declared) named(err error) error {
	if err == nil || strings.HasPrefix(err.Error(), `source "`) {
		return err
	}
	return fmt.Errorf("source %q: %w", d.config.Name, err)
}

// complete gives items the source's defaults, and marks those that the configuration leaves out.
func (d declared) complete(yield func(Item) error) func(Item) error {
	return func(it Item) error {
		it.Defaults = d.defaults
		if it.Skip == "" && !it.Gone && !d.filter.takes(it.Path) {
			it = Item{Path: it.Path, Skip: SkipExcluded}
		}
		return yield(it)
	}
}

// declaredIncremental is the same over an Incremental.
type declaredIncremental struct {
	declared
	inc Incremental
}

func (d declaredIncremental) WalkSince(ctx context.Context, mark []byte, yield func(Item) error) (Walked, error) {
	w, err := d.inc.WalkSince(ctx, mark, d.complete(yield))
	return w, d.named(err)
}

// hash names what was configured, the times at which it happens left out.
func (c SourceConfig) hash() string {
	c.Schedule, c.FullEvery, c.Limits, c.line = 0, 0, Limits{}, 0
	h := sha256.New()
	_ = json.NewEncoder(h).Encode(c) // it holds nothing that cannot be encoded
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// filesKind is a folder, or a single file of one of the formats that are read.
func filesKind() kind {
	return kind{keys: []string{"columns"}, open: func(c SourceConfig, s Setup) (Source, error) {
		where := c.Location
		if !filepath.IsAbs(where) {
			where = filepath.Join(s.Dir, where)
		}
		return Open(where)
	}}
}
