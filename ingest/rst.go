package ingest

func parseRST(text string) parsed { return parsePlain(text) }
