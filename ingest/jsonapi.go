package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// jsonAPI is any API that gives a list of objects as JSON, page by page, each page naming the next by its address or a
// cursor.
type jsonAPI struct {
	c    SourceConfig
	s    Setup
	http *client
}

func jsonAPIKind() kind {
	keys := append([]string{"columns", "items", "next", "next_param", "query", "updated_param", "deleted"}, networkKeys[:]...)
	return kind{keys: keys, open: func(c SourceConfig, s Setup) (Source, error) {
		switch {
		case c.Columns == nil || c.Columns.ID == "" || c.Columns.Body == "" && c.Columns.Meaning == "" && c.Columns.Solution == "":
			return nil, errors.New("columns must say where id and body are in an object")
		case c.NextParam != "" && c.Next == "":
			return nil, errors.New("next_param needs next: the path of the cursor in a reply")
		}
		h, err := newClient(c, s)
		return &jsonAPI{c: c, s: s, http: h}, err
	}}
}

func (j *jsonAPI) Name() string { return j.c.Name }

func (j *jsonAPI) Walk(ctx context.Context, yield func(Item) error) error {
	_, err := j.WalkSince(ctx, nil, yield)
	return err
}

func (j *jsonAPI) WalkSince(ctx context.Context, mark []byte, yield func(Item) error) (Walked, error) {
	j.http.begin()
	began := j.s.Now().UTC()
	m, delta := readTimeMark(mark, began, j.c.FullEvery)
	delta = delta && j.c.UpdatedParam != ""
	query := j.http.base.Query()
	for k, v := range j.c.Query {
		query.Set(k, v)
	}
	if delta {
		query.Set(j.c.UpdatedParam, m.Since.Add(-overlap).Format(time.RFC3339))
	}
	if err := j.list(ctx, query, yield); err != nil {
		return Walked{}, err
	}
	return m.walked(began, !delta)
}

// list follows the pages.
func (j *jsonAPI) list(ctx context.Context, query url.Values, yield func(Item) error) error {
	u := *j.http.base
	u.RawQuery = query.Encode()
	at := &u
	n := 0
	for f := (follower{}); ; {
		if err := f.next(at.String()); err != nil {
			return err
		}
		var page any
		if err := j.http.getJSON(ctx, at, &page); err != nil {
			return err
		}
		list, err := j.objects(page)
		if err != nil {
			return err
		}
		for _, o := range list {
			if n++; n > j.http.limits.Items {
				return fmt.Errorf("%w: more than %d objects; raise limits.items", ErrUnavailable, j.http.limits.Items)
			}
			if err := j.offer(o, n, yield); err != nil {
				return err
			}
		}
		next := scalar(lookup(page, j.c.Next))
		if next == "" || next == "false" || len(list) == 0 && j.c.NextParam != "" {
			return nil
		}
		if j.c.NextParam != "" {
			query.Set(j.c.NextParam, next)
			u := *j.http.base
			u.RawQuery = query.Encode()
			at = &u
			continue
		}
		if at, err = j.http.within(next); err != nil {
			return err
		}
	}
}

// objects finds the list in a page.
func (j *jsonAPI) objects(page any) ([]any, error) {
	found := page
	if j.c.Items != "" {
		found = lookup(page, j.c.Items)
	}
	if list, ok := found.([]any); ok {
		return list, nil
	}
	return nil, fmt.Errorf("%w: the reply has no list at %q, which items names", ErrUnavailable, j.c.Items)
}

// offer yields an object as a file of one record.
func (j *jsonAPI) offer(o any, n int, yield func(Item) error) error {
	id := scalar(lookup(o, j.c.Columns.ID))
	if id == "" {
		return yield(Item{Path: fmt.Sprintf("object %d", n), Skip: SkipID})
	}
	if j.c.Deleted != "" {
		if gone := scalar(lookup(o, j.c.Deleted)); gone != "" && gone != "false" && gone != "0" {
			return yield(Item{Path: id, Gone: true})
		}
	}
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(o); err != nil {
		return yield(Item{Path: id, Skip: SkipJSON})
	}
	return yield(stringItem(id, FormatJSONL, line.String(), Meta{}))
}
