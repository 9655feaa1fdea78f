package triage

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// policyHead stands over a policy that was written by the program.
const policyHead = `# Written by prediag policy fit. The thresholds, and everything else that the promises under "warranty" depend on, are held
# together by a checksum: after a change by hand the policy works on and counts as set by hand. deadlines, audit_sample and
# index_max_age are free to change. Probabilities are 0 to 1. prediag policy show says in words what is promised.
`

// Encode is the policy as a file. ParsePolicy reads it back as it was.
func (p Policy) Encode() ([]byte, error) {
	var b bytes.Buffer
	if p.Warranty != nil {
		b.WriteString(policyHead)
	}
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	var node yaml.Node
	if err := node.Encode(p); err != nil {
		return nil, fmt.Errorf("encode policy: %w", err)
	}
	quote(&node)
	if err := enc.Encode(&node); err != nil {
		return nil, fmt.Errorf("encode policy: %w", err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("encode policy: %w", err)
	}
	return b.Bytes(), nil
}

// quote puts texts with control characters into double quotes: written as a block, some would not be read back.
func quote(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" && strings.ContainsFunc(n.Value, unicode.IsControl) {
		n.Style = yaml.DoubleQuotedStyle
	}
	for _, child := range n.Content {
		quote(child)
	}
}

// Seal sets the checksum of a fitted policy, in the form in which it is read back from a file.
func (p Policy) Seal() (Policy, error) {
	raw, err := p.Encode()
	if err != nil {
		return Policy{}, err
	}
	if p, err = ParsePolicy(raw); err != nil {
		return Policy{}, fmt.Errorf("the policy that was fitted is not valid: %w", err)
	}
	p.Warranty.Checksum = p.checksum()
	if raw, err = p.Encode(); err != nil {
		return Policy{}, err
	}
	return ParsePolicy(raw)
}
