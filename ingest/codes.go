package ingest

import "prediag"

func faultCodes(a *prediag.Article, tables []table, declared []prediag.FaultCode) []prediag.FaultCode {
	return nil
}
