package server

import (
	"maps"
	"slices"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

func ticketTo(t prediag.Ticket) *pb.Ticket {
	return &pb.Ticket{
		Id: t.ID, Title: t.Title, Body: t.Body, Language: t.Language, Product: t.Product,
		Codes: slices.Clone(t.Codes), Fields: maps.Clone(t.Fields), CreateTime: timeTo(t.Created),
	}
}

func ticketFrom(t *pb.Ticket) prediag.Ticket {
	return prediag.Ticket{
		ID: t.GetId(), Title: t.GetTitle(), Body: t.GetBody(), Language: t.GetLanguage(), Product: t.GetProduct(),
		Codes: slices.Clone(t.GetCodes()), Fields: maps.Clone(t.GetFields()), Created: timeFrom(t.GetCreateTime()),
	}
}

func evidenceKinds() enum[prediag.EvidenceKind, pb.EvidenceKind] {
	return enum[prediag.EvidenceKind, pb.EvidenceKind]{
		{prediag.EvidenceNGram, pb.EvidenceKind_EVIDENCE_KIND_NGRAM},
		{prediag.EvidenceNearest, pb.EvidenceKind_EVIDENCE_KIND_NEAREST},
		{prediag.EvidenceDeclared, pb.EvidenceKind_EVIDENCE_KIND_DECLARED},
	}
}

func evidenceTo(e prediag.Evidence) *pb.Evidence {
	return &pb.Evidence{Kind: evidenceKinds().to(e.Kind), Text: e.Text, Weight: e.Weight}
}

func evidenceFrom(e *pb.Evidence) prediag.Evidence {
	kind, _ := evidenceKinds().from(e.GetKind())
	return prediag.Evidence{Kind: kind, Text: e.GetText(), Weight: e.GetWeight()}
}

func labelTo(l prediag.Label) *pb.Label {
	return &pb.Label{Value: l.Value, Probability: l.Probability}
}

func labelFrom(l *pb.Label) prediag.Label {
	return prediag.Label{Value: l.GetValue(), Probability: l.GetProbability()}
}

func fieldTo(f prediag.FieldVerdict) *pb.FieldVerdict {
	return &pb.FieldVerdict{
		Field: f.Field, Label: f.Label, Probability: f.Probability,
		Alternatives: mapped(f.Alternatives, labelTo), Evidence: mapped(f.Evidence, evidenceTo),
	}
}

func fieldFrom(f *pb.FieldVerdict) prediag.FieldVerdict {
	return prediag.FieldVerdict{
		Field: f.GetField(), Label: f.GetLabel(), Probability: f.GetProbability(),
		Alternatives: mapped(f.GetAlternatives(), labelFrom), Evidence: mapped(f.GetEvidence(), evidenceFrom),
	}
}

// verdictTo leaves out the model's version: it travels in Versions.
func verdictTo(v prediag.Verdict) *pb.Verdict {
	return &pb.Verdict{
		Fields: mapped(v.Fields, fieldTo), Language: v.Language, LanguageConfidence: v.LanguageConfidence, InScope: v.InScope,
	}
}

func verdictFrom(v *pb.Verdict) prediag.Verdict {
	return prediag.Verdict{
		Fields: mapped(v.GetFields(), fieldFrom), Language: v.GetLanguage(),
		LanguageConfidence: v.GetLanguageConfidence(), InScope: v.GetInScope(),
	}
}
