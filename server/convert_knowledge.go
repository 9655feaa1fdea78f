package server

import (
	"slices"

	"google.golang.org/protobuf/types/known/durationpb"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

func citationTo(c prediag.Citation) *pb.Citation {
	return &pb.Citation{ArticleId: c.ArticleID, Revision: c.Revision, Span: spanTo(c.Span), Quote: c.Quote, Title: c.Title, Url: c.URL}
}

func citationFrom(c *pb.Citation) prediag.Citation {
	return prediag.Citation{
		ArticleID: c.GetArticleId(), Revision: c.GetRevision(), Span: spanFrom(c.GetSpan()),
		Quote: c.GetQuote(), Title: c.GetTitle(), URL: c.GetUrl(),
	}
}

func codeTo(c prediag.FaultCode) *pb.FaultCode {
	return &pb.FaultCode{
		Code: c.Code, Message: c.Message, Meaning: c.Meaning, Solution: c.Solution, Product: c.Product, Citation: citationTo(c.Citation),
	}
}

func codeFrom(c *pb.FaultCode) prediag.FaultCode {
	return prediag.FaultCode{
		Code: c.GetCode(), Message: c.GetMessage(), Meaning: c.GetMeaning(), Solution: c.GetSolution(),
		Product: c.GetProduct(), Citation: citationFrom(c.GetCitation()),
	}
}

func passageTo(p prediag.Passage) *pb.Passage {
	return &pb.Passage{Heading: p.Heading, Span: spanTo(p.Span), Text: p.Text, Score: p.Score, Marks: mapped(p.Marks, spanTo)}
}

func passageFrom(p *pb.Passage) prediag.Passage {
	return prediag.Passage{Heading: p.GetHeading(), Span: spanFrom(p.GetSpan()), Text: p.GetText(), Score: p.GetScore(), Marks: mapped(p.GetMarks(), spanFrom)}
}

// hitTo leaves out the article's fault codes: those that matter travel in Diagnosis.codes.
func hitTo(h prediag.Hit) *pb.Hit {
	return &pb.Hit{
		ArticleId: h.ArticleID, Revision: h.Revision, Title: h.Title, Url: h.URL, Language: h.Language, Product: h.Product,
		Category: h.Category, Kind: h.Kind, Group: h.Group, UpdateTime: timeTo(h.Updated), Score: h.Score, Coverage: h.Coverage,
		Passages: mapped(h.Passages, passageTo), Why: slices.Clone(h.Why), Also: slices.Clone(h.Also),
		Marks: mapped(h.Marks, spanTo),
	}
}

func hitFrom(h *pb.Hit) prediag.Hit {
	return prediag.Hit{
		ArticleID: h.GetArticleId(), Revision: h.GetRevision(), Title: h.GetTitle(), URL: h.GetUrl(), Language: h.GetLanguage(),
		Product: h.GetProduct(), Category: h.GetCategory(), Kind: h.GetKind(), Group: h.GetGroup(), Updated: timeFrom(h.GetUpdateTime()),
		Score: h.GetScore(), Coverage: h.GetCoverage(), Passages: mapped(h.GetPassages(), passageFrom), Why: slices.Clone(h.GetWhy()),
		Also: slices.Clone(h.GetAlso()), Marks: mapped(h.GetMarks(), spanFrom),
	}
}

func facetTo(f prediag.Facet) *pb.Facet {
	return &pb.Facet{Name: f.Name, Values: mapped(f.Values, func(v prediag.FacetValue) *pb.FacetValue {
		return &pb.FacetValue{Value: v.Value, Count: uint32(v.Count)}
	})}
}

func facetFrom(f *pb.Facet) prediag.Facet {
	return prediag.Facet{Name: f.GetName(), Values: mapped(f.GetValues(), func(v *pb.FacetValue) prediag.FacetValue {
		return prediag.FacetValue{Value: v.GetValue(), Count: int(v.GetCount())}
	})}
}

// resultsTo leaves the page token to the caller, who knows the query.
func resultsTo(r prediag.Results) *pb.SearchResponse {
	return &pb.SearchResponse{
		Hits: mapped(r.Hits, hitTo), TotalSize: uint32(r.Total), Facets: mapped(r.Facets, facetTo), Generation: uint32(r.Generation),
		DidYouMean: r.DidYouMean, Solved: r.Solved, Without: slices.Clone(r.Without),
		EmbeddingsUnavailable: slices.Contains(r.Degraded, prediag.DegradedEmbeddings),
	}
}

func resultsFrom(r *pb.SearchResponse) prediag.Results {
	out := prediag.Results{
		Hits: mapped(r.GetHits(), hitFrom), Total: int(r.GetTotalSize()), Facets: mapped(r.GetFacets(), facetFrom),
		Generation: uint64(r.GetGeneration()),
		DidYouMean: r.GetDidYouMean(), Solved: r.GetSolved(), Without: slices.Clone(r.GetWithout()),
	}
	if r.GetEmbeddingsUnavailable() {
		out.Degraded = []prediag.Degradation{prediag.DegradedEmbeddings}
	}
	return out
}

// articleTo leaves out the audience, which is nobody's business but the service's, and whether the title was given.
func articleTo(a prediag.Article) *pb.Article {
	return &pb.Article{
		Id: a.ID, Revision: a.Revision, Source: a.Source, Path: a.Path, Title: a.Title, Body: a.Body,
		Sections: mapped(a.Sections, func(s prediag.Section) *pb.Section {
			return &pb.Section{Path: slices.Clone(s.Path), Span: spanTo(s.Span)}
		}),
		Url: a.URL, Language: a.Language, Product: a.Product, Category: a.Category, Kind: a.Kind, Group: a.Group,
		Codes: mapped(a.Codes, codeTo), Links: slices.Clone(a.Links), UpdateTime: timeTo(a.Updated),
	}
}

func articleFrom(a *pb.Article) prediag.Article {
	return prediag.Article{
		ID: a.GetId(), Revision: a.GetRevision(), Source: a.GetSource(), Path: a.GetPath(), Title: a.GetTitle(), Body: a.GetBody(),
		Sections: mapped(a.GetSections(), func(s *pb.Section) prediag.Section {
			return prediag.Section{Path: slices.Clone(s.GetPath()), Span: spanFrom(s.GetSpan())}
		}),
		URL: a.GetUrl(), Language: a.GetLanguage(), Product: a.GetProduct(), Category: a.GetCategory(), Kind: a.GetKind(),
		Group: a.GetGroup(), Codes: mapped(a.GetCodes(), codeFrom), Links: slices.Clone(a.GetLinks()), Updated: timeFrom(a.GetUpdateTime()),
	}
}

func refreshStates() enum[prediag.RefreshState, pb.OperationState] {
	return enum[prediag.RefreshState, pb.OperationState]{
		{prediag.RefreshRunning, pb.OperationState_OPERATION_STATE_RUNNING},
		{prediag.RefreshSucceeded, pb.OperationState_OPERATION_STATE_SUCCEEDED},
		{prediag.RefreshFailed, pb.OperationState_OPERATION_STATE_FAILED},
	}
}

func operationTo(r prediag.Refresh) *pb.Operation {
	op := &pb.Operation{
		Id: r.ID, State: refreshStates().to(r.State), Stage: r.Stage, Done: uint32(r.Done), Total: uint32(r.Total), Error: r.Error,
		StartTime: timeTo(r.Started), EndTime: timeTo(r.Ended),
	}
	if r.Report != nil {
		op.Report = &pb.RefreshReport{
			Sources: mapped(r.Report.Sources, sourceTo), Generation: uint32(r.Report.Generation), Took: durationpb.New(r.Report.Took),
			Reading: durationpb.New(r.Report.Reading), Indexing: durationpb.New(r.Report.Indexing), Publishing: durationpb.New(r.Report.Publishing),
			NearTwins: uint32(r.Report.Twins),
		}
	}
	return op
}

func operationFrom(o *pb.Operation) prediag.Refresh {
	state, _ := refreshStates().from(o.GetState())
	r := prediag.Refresh{
		ID: o.GetId(), State: state, Stage: o.GetStage(), Done: int(o.GetDone()), Total: int(o.GetTotal()), Error: o.GetError(),
		Started: timeFrom(o.GetStartTime()), Ended: timeFrom(o.GetEndTime()),
	}
	if rep := o.GetReport(); rep != nil {
		r.Report = &prediag.RefreshReport{
			Sources: mapped(rep.GetSources(), sourceFrom), Generation: uint64(rep.GetGeneration()), Took: rep.GetTook().AsDuration(),
			Reading: rep.GetReading().AsDuration(), Indexing: rep.GetIndexing().AsDuration(), Publishing: rep.GetPublishing().AsDuration(),
			Twins: int(rep.GetNearTwins()),
		}
	}
	return r
}

func sourceTo(s prediag.RefreshedSource) *pb.SourceReport {
	return &pb.SourceReport{
		Source: s.Name, Files: uint32(s.Files), Articles: uint32(s.Articles), Added: uint32(s.Added), Changed: uint32(s.Changed),
		Moved: uint32(s.Moved), Unchanged: uint32(s.Unchanged), Deleted: uint32(s.Deleted), Parsed: uint32(s.Parsed), BrokenLinks: uint32(s.Broken),
		Skipped: countsTo(s.Skipped), Error: s.Error,
		Quarantined: mapped(s.Faults, func(f prediag.Fault) *pb.Quarantined { return &pb.Quarantined{Path: f.Path, Reason: f.Reason} }),
	}
}

func sourceFrom(s *pb.SourceReport) prediag.RefreshedSource {
	return prediag.RefreshedSource{
		Name: s.GetSource(), Files: int(s.GetFiles()), Articles: int(s.GetArticles()), Added: int(s.GetAdded()), Changed: int(s.GetChanged()),
		Moved: int(s.GetMoved()), Unchanged: int(s.GetUnchanged()), Deleted: int(s.GetDeleted()), Parsed: int(s.GetParsed()), Broken: int(s.GetBrokenLinks()),
		Skipped: countsFrom(s.GetSkipped()), Error: s.GetError(),
		Faults: mapped(s.GetQuarantined(), func(q *pb.Quarantined) prediag.Fault { return prediag.Fault{Path: q.GetPath(), Reason: q.GetReason()} }),
	}
}
