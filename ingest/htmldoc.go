package ingest

func parseHTML(raw []byte, given meta) (parsed, string) { return parseFragment(string(raw), given), "" }
func parseDOCX(raw []byte, given meta) (parsed, string) { return parsed{}, SkipDOCX }
func parsePDF(raw []byte, given meta) (parsed, string)  { return parsed{}, SkipPDF }
func storageHTML(s string) string                       { return s }
