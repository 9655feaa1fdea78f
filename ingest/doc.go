// Package ingest brings the knowledge base up to date: it walks the sources, parses what changed, and hands the changes
// to an index as one step from a generation to the next.
//
// A file whose bytes are the same as last time is not parsed again. Every file that a source offers is accounted for in
// the report: as articles, or under the reason for which it was left out. What a broken file last said stays in the
// index until the file is whole again, and a source that suddenly lost many of its articles changes nothing.
//
// Sources are folders, git repositories, feeds, sitemaps and APIs, declared by SourceConfig. One that can tell what
// changed is an Incremental; how far it was walked is in the Ledger.
//
// The parsers (Markdown, reStructuredText, HTML, DOCX, PDF, CSV, JSON Lines, plain text) turn markup into the plain text
// that customers read as citations. They work under limits on size, nesting, time and memory, in processes that can be
// killed, because what they read was written by others.
package ingest
