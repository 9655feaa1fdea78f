package server

import (
	"encoding/base64"
	"fmt"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

func TestTokenRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := position{generation: rapid.Uint64().Draw(t, "g"), offset: rapid.Uint32Range(0, prediag.MaxOffset).Draw(t, "o")}
		copy(want.query[:], rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "q"))
		got, err := parseToken(want.token())
		if err != nil || got != want {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

// One changed character, anywhere, is noticed.
func TestTokenNoticesChanges(t *testing.T) {
	token := position{generation: 3, offset: 10, query: [8]byte{1, 2, 3}}.token()
	for i := range token {
		for _, c := range []byte("A9_-z") {
			if token[i] == c {
				continue
			}
			changed := token[:i] + string(c) + token[i+1:]
			_, err := parseToken(changed)
			require.ErrorIs(t, err, prediag.ErrInvalid, "%d %c", i, c)
		}
	}
	far := position{offset: prediag.MaxOffset + 1}.token()
	_, err := parseToken(far)
	require.ErrorIs(t, err, prediag.ErrInvalid)
}

func TestPagingVisitsEveryHitOnce(t *testing.T) {
	r := start(t, Options{})
	request := &pb.SearchRequest{Query: "disk", PageSize: 7}
	var ids []string
	for pages := 1; ; pages++ {
		got, err := r.knowledge.Search(limit(t), request)
		require.NoError(t, err)
		require.EqualValues(t, 25, got.GetTotalSize())
		for _, h := range got.GetHits() {
			ids = append(ids, h.GetArticleId())
		}
		if request.PageToken = got.GetNextPageToken(); request.PageToken == "" {
			require.Equal(t, 4, pages)
			break
		}
	}
	require.Len(t, ids, 25)
	for i, id := range ids {
		require.Equal(t, fmt.Sprintf("demo/a-%02d", i), id)
	}
}

func TestPagingEndsAtTheLargestOffset(t *testing.T) {
	r := start(t, Options{})
	for i := len(r.articles); i < 1500; i++ {
		r.articles = append(r.articles, prediag.Article{ID: fmt.Sprint(i)})
	}
	request := &pb.SearchRequest{Query: "disk", PageSize: 500}
	seen := 0
	for range 20 {
		got, err := r.knowledge.Search(limit(t), request)
		require.NoError(t, err)
		require.Len(t, got.GetHits(), prediag.MaxPageSize, "a size over the most means the most")
		seen += len(got.GetHits())
		if request.PageToken = got.GetNextPageToken(); request.PageToken == "" {
			break
		}
	}
	require.Equal(t, prediag.MaxOffset+prediag.MaxPageSize, seen)
}

func TestPageTokensThatAreRefused(t *testing.T) {
	r := start(t, Options{})
	first, err := r.knowledge.Search(limit(t), &pb.SearchRequest{Query: "disk", Products: []string{"compute"}})
	require.NoError(t, err)
	token := first.GetNextPageToken()
	require.NotEmpty(t, token)
	for name, c := range map[string]struct {
		request *pb.SearchRequest
		code    codes.Code
		reason  string
	}{
		"not a token":    {&pb.SearchRequest{Query: "disk", PageToken: "x"}, codes.InvalidArgument, "PAGE_TOKEN_INVALID"},
		"right size":     {&pb.SearchRequest{Query: "disk", PageToken: base64.RawURLEncoding.EncodeToString(make([]byte, tokenBytes))}, codes.InvalidArgument, "PAGE_TOKEN_INVALID"},
		"other query":    {&pb.SearchRequest{Query: "disks", Products: []string{"compute"}, PageToken: token}, codes.InvalidArgument, "PAGE_TOKEN_INVALID"},
		"other filter":   {&pb.SearchRequest{Query: "disk", PageToken: token}, codes.InvalidArgument, "PAGE_TOKEN_INVALID"},
		"other language": {&pb.SearchRequest{Query: "disk", Products: []string{"compute"}, Languages: []string{"zh"}, PageToken: token}, codes.InvalidArgument, "PAGE_TOKEN_INVALID"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.knowledge.Search(limit(t), c.request)
			requireStatus(t, err, c.code, c.reason, "page_token")
		})
	}
	good := &pb.SearchRequest{Query: "disk", Products: []string{"compute"}, PageToken: token, PageSize: 2}
	got, err := r.knowledge.Search(limit(t), good)
	require.NoError(t, err, "another page size is no other query")
	require.Equal(t, "demo/a-10", got.GetHits()[0].GetArticleId())
	r.set(func(f *fake) { f.generation++ })
	_, err = r.knowledge.Search(limit(t), good)
	st := requireStatus(t, err, codes.FailedPrecondition, "PAGE_TOKEN_STALE", "page_token")
	require.ErrorIs(t, errorFrom(st.Err()), prediag.ErrStale)
}

func FuzzParseToken(f *testing.F) {
	f.Add("")
	f.Add(position{generation: 1, offset: 10}.token())
	f.Add(position{offset: 1<<32 - 1}.token())
	f.Add("AAAA====")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parseToken(s)
		if err != nil {
			require.ErrorIs(t, err, prediag.ErrInvalid)
			return
		}
		require.LessOrEqual(t, p.offset, uint32(prediag.MaxOffset))
		again, err := parseToken(p.token())
		require.NoError(t, err)
		require.Equal(t, p, again)
	})
}

// FuzzQueryFrom sends raw bytes through the codec and the validation of a search. A query that passes is within every
// limit.
func FuzzQueryFrom(f *testing.F) {
	for _, m := range []*pb.SearchRequest{
		{}, {Query: "disk"}, {Query: "磁盘", Languages: []string{"zh"}, PageSize: -1}, {Query: "x", PageToken: "y"},
		{Query: "x", Products: make([]string, 65)}, {Query: "x", PageToken: position{generation: 1}.token()},
	} {
		raw, err := proto.Marshal(m)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Add([]byte("\x0a\x01\xff"))
	f.Add([]byte("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := decode(t, raw, &pb.SearchRequest{})
		if r == nil {
			return
		}
		q, from, err := queryFrom(r)
		if err != nil {
			require.ErrorIs(t, errorFrom(statusOf(err).Err()), prediag.ErrInvalid)
			return
		}
		require.True(t, utf8.ValidString(q.Text))
		require.LessOrEqual(t, utf8.RuneCountInString(q.Text), prediag.MaxQueryRunes)
		require.GreaterOrEqual(t, q.Limit, 1)
		require.LessOrEqual(t, q.Limit, prediag.MaxPageSize)
		require.GreaterOrEqual(t, q.Offset, 0)
		require.LessOrEqual(t, q.Offset, prediag.MaxOffset)
		require.Equal(t, from == nil, r.GetPageToken() == "")
	})
}
