package server

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

// Decided knows the tickets that humans decided.
type Decided interface {
	// Alike lists those that have most in common with a ticket, the most alike first, at most limit.
	Alike(ctx context.Context, t prediag.Ticket, limit int) ([]Alike, error)
}

// Alike is a decided ticket beside another one.
type Alike struct {
	CaseID      string
	Article     string  // ID of the article that solved it; may be empty
	Resemblance float64 // 0 to 1; 1: the same words in the same order
	SameArticle bool    // the search finds Article for the other ticket
}

const (
	defaultSimilar = 5
	maxSimilarPage = 50
	maxSimilar     = 100  // on all pages
	maxExcerpt     = 2000 // characters of an answer or a note
	maxSimilarName = 120  // characters of a ticket's first words that stand for its title
)

// SimilarQuery asks for decided tickets like a text or like a case: one of the two is empty.
type SimilarQuery struct {
	Text, CaseID string
	Limit        int    // 1 to 50; 0 means 5
	After        string // SimilarPage.Next of the page before
}

// SimilarPage is one page of similar cases.
type SimilarPage struct {
	Cases []SimilarCase // the most alike first
	Next  string        // empty: this is the last
}

// SimilarCase is a decided ticket with what solved it.
type SimilarCase struct {
	Alike
	DiagnosisID, TicketID, Title, Language, Category string
	ArticleTitle, ArticleURL                         string // empty: not every reader may read it
	Resolution                                       prediag.Resolution
}

// SimilarFinder finds similar cases. All parts are needed.
type SimilarFinder struct {
	Decided   Decided
	Record    Record
	Knowledge Knowledge
}

// Similar returns one page. The error is of kind prediag.ErrInvalid for a query that asks for nothing, or for both, and of kind
// prediag.ErrNotFound for a case that there is not.
func (f SimilarFinder) Similar(ctx context.Context, q SimilarQuery) (SimilarPage, error) {
	r := similarRequest(q)
	offset, err := checkSimilar(r)
	if err != nil {
		return SimilarPage{}, err
	}
	t := prediag.Ticket{Body: q.Text}
	if q.CaseID != "" {
		own, err := f.Record.Case(ctx, q.CaseID)
		if err != nil {
			return SimilarPage{}, err
		}
		t = own.Diagnosis.Ticket
	}
	all, err := f.Decided.Alike(ctx, t, maxSimilar)
	if err != nil {
		return SimilarPage{}, err
	}
	size := pageSizeOf(r.GetPageSize())
	var page SimilarPage
	for i := min(offset, len(all)); i < len(all); i++ {
		if len(page.Cases) == size {
			page.Next = position{offset: uint32(i), query: similarHash(r)}.token()
			break
		}
		if all[i].CaseID == q.CaseID {
			continue
		}
		c, err := f.Record.Case(ctx, all[i].CaseID)
		if errors.Is(err, prediag.ErrNotFound) || err == nil && c.Resolution == nil {
			continue // its diagnosis was removed for its age
		}
		if err != nil {
			return SimilarPage{}, err
		}
		s := similarCase(c, all[i])
		if err := f.nameArticle(ctx, &s); err != nil {
			return SimilarPage{}, err
		}
		page.Cases = append(page.Cases, s)
	}
	return page, nil
}

// nameArticle adds title and address of the article, unless somebody may not read it.
func (f SimilarFinder) nameArticle(ctx context.Context, s *SimilarCase) error {
	if s.Article == "" {
		return nil
	}
	a, err := f.Knowledge.Article(ctx, s.Article, nil)
	if err != nil && !errors.Is(err, prediag.ErrNotFound) && !errors.Is(err, prediag.ErrNotReady) {
		return fmt.Errorf("article %q: %w", s.Article, err)
	}
	s.ArticleTitle, s.ArticleURL = a.Title, a.URL
	return nil
}

// similarCase is what is told of a decided case.
func similarCase(c prediag.Case, a Alike) SimilarCase {
	d, r := c.Diagnosis, *c.Resolution
	s := SimilarCase{Alike: a, DiagnosisID: d.ID, TicketID: d.Ticket.ID, Language: d.Verdict.Language, Resolution: r}
	s.Title = d.Ticket.Title
	if strings.TrimSpace(s.Title) == "" {
		s.Title = excerpt(strings.Join(strings.Fields(d.Ticket.Body), " "), maxSimilarName)
	}
	if r.Article != "" {
		s.Article = r.Article
	}
	s.Category = r.Labels[prediag.FieldCategory]
	if judged, ok := d.Verdict.Field(prediag.FieldCategory); ok && r.Action == prediag.ActionAccepted && s.Category == "" {
		s.Category = judged.Label
	}
	s.Resolution.Answer, s.Resolution.Note = excerpt(r.Answer, maxExcerpt), excerpt(r.Note, maxExcerpt)
	return s
}

// excerpt is the beginning of a text, at most n characters.
func excerpt(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i] + "…"
		}
		n--
	}
	return s
}

func similarRequest(q SimilarQuery) *pb.FindSimilarCasesRequest {
	return &pb.FindSimilarCasesRequest{Text: q.Text, CaseId: q.CaseID, PageSize: int32(q.Limit), PageToken: q.After}
}

// checkSimilar refuses a faulty request and says where its page begins.
func checkSimilar(r *pb.FindSimilarCasesRequest) (int, error) {
	var c check
	switch empty := strings.TrimSpace(r.GetText()) == ""; {
	case empty && r.GetCaseId() == "":
		c.fail("QUERY_EMPTY", "text", "text and case_id are empty: say what the tickets shall be like")
	case !empty && r.GetCaseId() != "":
		c.fail("QUERY_INVALID", "case_id", "text and case_id are both set: leave one out")
	}
	c.text("text", r.GetText(), prediag.MaxTicketBytes)
	c.text("case_id", r.GetCaseId(), maxID)
	c.text("page_token", r.GetPageToken(), prediag.MaxFieldBytes)
	c.pageSize("page_size", r.GetPageSize(), defaultSimilar, maxSimilarPage)
	if c.err != nil || r.GetPageToken() == "" {
		return 0, c.err
	}
	p, err := parseToken(r.GetPageToken())
	if err == nil && p.query != similarHash(r) {
		err = prediag.Invalid("PAGE_TOKEN_INVALID", "page_token", "the page token belongs to another ticket: send the same text or case_id with it")
	}
	return int(p.offset), err
}

// pageSizeOf is the size of a page that was asked for.
func pageSizeOf(n int32) int {
	var c check
	return c.pageSize("page_size", n, defaultSimilar, maxSimilarPage)
}

func similarHash(r *pb.FindSimilarCasesRequest) [8]byte {
	bare := proto.CloneOf(r)
	bare.PageSize, bare.PageToken = 0, ""
	sum := digest(bare)
	return [8]byte(sum[:8])
}

func (s *reviewService) FindSimilarCases(ctx context.Context, r *pb.FindSimilarCasesRequest) (*pb.FindSimilarCasesResponse, error) {
	page, err := s.similar.Similar(ctx, SimilarQuery{Text: r.GetText(), CaseID: r.GetCaseId(), Limit: int(r.GetPageSize()), After: r.GetPageToken()})
	if err != nil {
		return nil, err
	}
	return similarTo(page), nil
}

// Similar finds decided tickets like a text or a case.
func (c *Client) Similar(ctx context.Context, q SimilarQuery) (SimilarPage, error) {
	r, err := c.review.FindSimilarCases(ctx, similarRequest(q))
	return similarFrom(r), errorFrom(err)
}

// SimilarMessage is the answer of FindSimilarCases.
func SimilarMessage(p SimilarPage) proto.Message { return similarTo(p) }

func similarTo(p SimilarPage) *pb.FindSimilarCasesResponse {
	return &pb.FindSimilarCasesResponse{NextPageToken: p.Next, Cases: mapped(p.Cases, func(c SimilarCase) *pb.SimilarCase {
		return &pb.SimilarCase{
			CaseId: c.CaseID, DiagnosisId: c.DiagnosisID, TicketId: c.TicketID, Title: c.Title, Resemblance: c.Resemblance, SameArticle: c.SameArticle,
			Resolution: resolutionTo(c.Resolution), Category: c.Category, ArticleId: c.Article, ArticleTitle: c.ArticleTitle, ArticleUrl: c.ArticleURL, Language: c.Language,
		}
	})}
}

func similarFrom(r *pb.FindSimilarCasesResponse) SimilarPage {
	return SimilarPage{Next: r.GetNextPageToken(), Cases: mapped(r.GetCases(), func(c *pb.SimilarCase) SimilarCase {
		return SimilarCase{
			Alike:       Alike{CaseID: c.GetCaseId(), Article: c.GetArticleId(), Resemblance: c.GetResemblance(), SameArticle: c.GetSameArticle()},
			DiagnosisID: c.GetDiagnosisId(), TicketID: c.GetTicketId(), Title: c.GetTitle(), Language: c.GetLanguage(), Category: c.GetCategory(),
			ArticleTitle: c.GetArticleTitle(), ArticleURL: c.GetArticleUrl(), Resolution: resolutionFrom(c.GetResolution()),
		}
	})}
}
