package server

import (
	"slices"

	"prediag"
	pb "prediag/proto/prediag/v1"
)

func outcomes() enum[prediag.Outcome, pb.Outcome] {
	return enum[prediag.Outcome, pb.Outcome]{
		{prediag.OutcomeAnswer, pb.Outcome_OUTCOME_ANSWER},
		{prediag.OutcomeSuggest, pb.Outcome_OUTCOME_SUGGEST},
		{prediag.OutcomeEscalate, pb.Outcome_OUTCOME_ESCALATE},
	}
}

func reasonCodes() enum[prediag.ReasonCode, pb.ReasonCode] {
	return enum[prediag.ReasonCode, pb.ReasonCode]{
		{prediag.ReasonLowConfidence, pb.ReasonCode_REASON_CODE_LOW_CONFIDENCE},
		{prediag.ReasonAmbiguous, pb.ReasonCode_REASON_CODE_AMBIGUOUS},
		{prediag.ReasonOutOfScope, pb.ReasonCode_REASON_CODE_OUT_OF_SCOPE},
		{prediag.ReasonNoArticle, pb.ReasonCode_REASON_CODE_NO_RELEVANT_ARTICLE},
		{prediag.ReasonNotGrounded, pb.ReasonCode_REASON_CODE_DRAFT_NOT_GROUNDED},
		{prediag.ReasonContradiction, pb.ReasonCode_REASON_CODE_ARTICLES_CONTRADICT},
		{prediag.ReasonLanguage, pb.ReasonCode_REASON_CODE_LANGUAGE_NOT_SUPPORTED},
		{prediag.ReasonUrgent, pb.ReasonCode_REASON_CODE_URGENT},
		{prediag.ReasonMajorIncident, pb.ReasonCode_REASON_CODE_MAJOR_INCIDENT},
		{prediag.ReasonSensitive, pb.ReasonCode_REASON_CODE_SENSITIVE},
		{prediag.ReasonPersonRequested, pb.ReasonCode_REASON_CODE_PERSON_REQUESTED},
		{prediag.ReasonInformationMissing, pb.ReasonCode_REASON_CODE_INFORMATION_MISSING},
		{prediag.ReasonModelStale, pb.ReasonCode_REASON_CODE_MODEL_STALE},
		{prediag.ReasonCalibrationStale, pb.ReasonCode_REASON_CODE_CALIBRATION_STALE},
		{prediag.ReasonDegraded, pb.ReasonCode_REASON_CODE_DEGRADED},
		{prediag.ReasonCategoryNotAllowed, pb.ReasonCode_REASON_CODE_CATEGORY_NOT_AUTOMATED},
		{prediag.ReasonAuditSample, pb.ReasonCode_REASON_CODE_AUDIT_SAMPLE},
		{prediag.ReasonPersonalData, pb.ReasonCode_REASON_CODE_PERSONAL_DATA_REMOVED},
		{prediag.ReasonLabelCheck, pb.ReasonCode_REASON_CODE_LABEL_CHECK},
	}
}

func statementKinds() enum[prediag.StatementKind, pb.StatementKind] {
	return enum[prediag.StatementKind, pb.StatementKind]{
		{prediag.StatementSummary, pb.StatementKind_STATEMENT_KIND_SUMMARY},
		{prediag.StatementCode, pb.StatementKind_STATEMENT_KIND_CODE},
		{prediag.StatementCause, pb.StatementKind_STATEMENT_KIND_CAUSE},
		{prediag.StatementStep, pb.StatementKind_STATEMENT_KIND_STEP},
		{prediag.StatementQuestion, pb.StatementKind_STATEMENT_KIND_QUESTION},
		{prediag.StatementNote, pb.StatementKind_STATEMENT_KIND_NOTE},
	}
}

func degradations() enum[prediag.Degradation, pb.Degradation] {
	return enum[prediag.Degradation, pb.Degradation]{
		{prediag.DegradedClassifier, pb.Degradation_DEGRADATION_CLASSIFIER_UNAVAILABLE},
		{prediag.DegradedSearch, pb.Degradation_DEGRADATION_SEARCH_UNAVAILABLE},
		{prediag.DegradedDraft, pb.Degradation_DEGRADATION_DRAFT_UNAVAILABLE},
		{prediag.DegradedIndexStale, pb.Degradation_DEGRADATION_INDEX_STALE},
		{prediag.DegradedLLM, pb.Degradation_DEGRADATION_LLM_UNAVAILABLE},
		{prediag.DegradedEmbeddings, pb.Degradation_DEGRADATION_EMBEDDINGS_UNAVAILABLE},
	}
}

func caseStates() enum[prediag.CaseState, pb.CaseState] {
	return enum[prediag.CaseState, pb.CaseState]{
		{prediag.CaseOpen, pb.CaseState_CASE_STATE_OPEN},
		{prediag.CaseClaimed, pb.CaseState_CASE_STATE_CLAIMED},
		{prediag.CaseResolved, pb.CaseState_CASE_STATE_RESOLVED},
	}
}

func actions() enum[prediag.ResolutionAction, pb.ResolutionAction] {
	return enum[prediag.ResolutionAction, pb.ResolutionAction]{
		{prediag.ActionAccepted, pb.ResolutionAction_RESOLUTION_ACTION_ACCEPTED},
		{prediag.ActionCorrected, pb.ResolutionAction_RESOLUTION_ACTION_CORRECTED},
		{prediag.ActionRejected, pb.ResolutionAction_RESOLUTION_ACTION_REJECTED},
	}
}

func reasonTo(r prediag.Reason) *pb.Reason {
	return &pb.Reason{Code: reasonCodes().to(r.Code), Field: r.Field, Detail: r.Detail}
}

func reasonFrom(r *pb.Reason) prediag.Reason {
	code, _ := reasonCodes().from(r.GetCode())
	return prediag.Reason{Code: code, Field: r.GetField(), Detail: r.GetDetail()}
}

func statementTo(s prediag.Statement) *pb.Statement {
	return &pb.Statement{Kind: statementKinds().to(s.Kind), Text: s.Text, Citations: mapped(s.Citations, citationTo)}
}

func statementFrom(s *pb.Statement) prediag.Statement {
	kind, _ := statementKinds().from(s.GetKind())
	return prediag.Statement{Kind: kind, Text: s.GetText(), Citations: mapped(s.GetCitations(), citationFrom)}
}

func draftTo(d prediag.Draft) *pb.Draft {
	return &pb.Draft{
		Language: d.Language, Statements: mapped(d.Statements, statementTo), Missing: slices.Clone(d.Missing),
		Grounded: d.Grounded, Origin: d.Origin,
	}
}

func draftFrom(d *pb.Draft) prediag.Draft {
	return prediag.Draft{
		Language: d.GetLanguage(), Statements: mapped(d.GetStatements(), statementFrom), Missing: slices.Clone(d.GetMissing()),
		Grounded: d.GetGrounded(), Origin: d.GetOrigin(),
	}
}

func handoffTo(h *prediag.Handoff) *pb.Handoff {
	if h == nil {
		return nil
	}
	return &pb.Handoff{
		CaseId: h.CaseID, Tier: h.Tier, Queue: h.Queue, Priority: int32(h.Priority), Deadline: timeTo(h.Deadline), Message: h.Message,
	}
}

func handoffFrom(h *pb.Handoff) *prediag.Handoff {
	if h == nil {
		return nil
	}
	return &prediag.Handoff{
		CaseID: h.GetCaseId(), Tier: h.GetTier(), Queue: h.GetQueue(), Priority: int(h.GetPriority()),
		Deadline: timeFrom(h.GetDeadline()), Message: h.GetMessage(),
	}
}

func diagnosisTo(d prediag.Diagnosis) *pb.Diagnosis {
	return &pb.Diagnosis{
		Id: d.ID, Ticket: ticketTo(d.Ticket), Verdict: verdictTo(d.Verdict), Codes: mapped(d.Codes, codeTo), UnknownCodes: slices.Clone(d.Unknown),
		Hits: mapped(d.Hits, hitTo), Draft: draftTo(d.Draft), SolvedProbability: d.Solved, Outcome: outcomes().to(d.Outcome),
		Reasons: mapped(d.Reasons, reasonTo), Handoff: handoffTo(d.Handoff),
		Versions: &pb.Versions{
			Model: d.Versions.Model, Taxonomy: d.Versions.Taxonomy, Index: uint32(d.Versions.Index), Policy: d.Versions.Policy,
		},
		Degraded: mapped(d.Degraded, degradations().to), CreateTime: timeTo(d.Created),
		Causes: mapped(d.Causes, statementTo), Related: mapped(d.Related, hitTo),
	}
}

func diagnosisFrom(d *pb.Diagnosis) prediag.Diagnosis {
	outcome, _ := outcomes().from(d.GetOutcome())
	verdict := verdictFrom(d.GetVerdict())
	verdict.Model = d.GetVersions().GetModel()
	return prediag.Diagnosis{
		ID: d.GetId(), Ticket: ticketFrom(d.GetTicket()), Verdict: verdict, Codes: mapped(d.GetCodes(), codeFrom),
		Unknown: slices.Clone(d.GetUnknownCodes()), Hits: mapped(d.GetHits(), hitFrom), Draft: draftFrom(d.GetDraft()),
		Solved: d.GetSolvedProbability(), Outcome: outcome, Reasons: mapped(d.GetReasons(), reasonFrom), Handoff: handoffFrom(d.GetHandoff()),
		Versions: prediag.Versions{
			Model: d.GetVersions().GetModel(), Taxonomy: d.GetVersions().GetTaxonomy(),
			Index: uint64(d.GetVersions().GetIndex()), Policy: d.GetVersions().GetPolicy(),
		},
		Degraded: mapped(d.GetDegraded(), func(w pb.Degradation) prediag.Degradation {
			v, _ := degradations().from(w)
			return v
		}),
		Created: timeFrom(d.GetCreateTime()), Causes: mapped(d.GetCauses(), statementFrom), Related: mapped(d.GetRelated(), hitFrom),
	}
}
