package server

import (
	"maps"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

func resolutionTo(r prediag.Resolution) *pb.Resolution {
	return &pb.Resolution{
		Reviewer: r.Reviewer, Action: actions().to(r.Action), Labels: maps.Clone(r.Labels), ArticleId: r.Article,
		Answer: r.Answer, Note: r.Note, Time: timeTo(r.At), NewLabel: r.NewLabel,
	}
}

func resolutionFrom(r *pb.Resolution) prediag.Resolution {
	action, _ := actions().from(r.GetAction())
	return prediag.Resolution{
		Reviewer: r.GetReviewer(), Action: action, Labels: maps.Clone(r.GetLabels()), Article: r.GetArticleId(),
		Answer: r.GetAnswer(), Note: r.GetNote(), At: timeFrom(r.GetTime()), NewLabel: r.GetNewLabel(),
	}
}

func caseTo(c prediag.Case) *pb.Case {
	m := &pb.Case{
		Id: c.ID, Diagnosis: diagnosisTo(c.Diagnosis), State: caseStates().to(c.State), Priority: int32(c.Priority),
		CreateTime: timeTo(c.Created), ClaimedBy: c.ClaimedBy, LeaseExpireTime: timeTo(c.LeaseUntil),
	}
	if c.Resolution != nil {
		m.Resolution = resolutionTo(*c.Resolution)
	}
	if c.Check != nil {
		m.LabelCheck = labelCheckTo(*c.Check)
		m.LabelCheck.Ticket = nil // the diagnosis has it
	}
	return m
}

func caseFrom(c *pb.Case) prediag.Case {
	state, _ := caseStates().from(c.GetState())
	d := prediag.Case{
		ID: c.GetId(), Diagnosis: diagnosisFrom(c.GetDiagnosis()), State: state, Priority: int(c.GetPriority()),
		Created: timeFrom(c.GetCreateTime()), ClaimedBy: c.GetClaimedBy(), LeaseUntil: timeFrom(c.GetLeaseExpireTime()),
	}
	if c.GetResolution() != nil {
		r := resolutionFrom(c.GetResolution())
		d.Resolution = &r
	}
	if c.GetLabelCheck() != nil {
		k := labelCheckFrom(c.GetLabelCheck())
		d.Check = &k
	}
	return d
}

func labelCheckTo(c prediag.LabelCheck) *pb.LabelCheck {
	return &pb.LabelCheck{
		Ticket: ticketTo(c.Ticket), Source: c.Source, Field: c.Field, Label: c.Label, SuggestedLabel: c.Suggested,
		LabelProbability: c.Probability, SuggestedProbability: c.SuggestedProbability,
	}
}

func labelCheckFrom(c *pb.LabelCheck) prediag.LabelCheck {
	return prediag.LabelCheck{
		Ticket: ticketFrom(c.GetTicket()), Source: c.GetSource(), Field: c.GetField(), Label: c.GetLabel(), Suggested: c.GetSuggestedLabel(),
		Probability: c.GetLabelProbability(), SuggestedProbability: c.GetSuggestedProbability(),
	}
}
