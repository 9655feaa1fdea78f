package server

import (
	"maps"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

func resolutionTo(r prediag.Resolution) *pb.Resolution {
	return &pb.Resolution{
		Reviewer: r.Reviewer, Action: actions().to(r.Action), Labels: maps.Clone(r.Labels), ArticleId: r.Article,
		Answer: r.Answer, Note: r.Note, Time: timeTo(r.At),
	}
}

func resolutionFrom(r *pb.Resolution) prediag.Resolution {
	action, _ := actions().from(r.GetAction())
	return prediag.Resolution{
		Reviewer: r.GetReviewer(), Action: action, Labels: maps.Clone(r.GetLabels()), Article: r.GetArticleId(),
		Answer: r.GetAnswer(), Note: r.GetNote(), At: timeFrom(r.GetTime()),
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
	return d
}
