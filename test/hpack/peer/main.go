// Command hpack-peer is Go's HPACK behind a pipe: a line of JSON asks for header lists to be encoded, or blocks to be decoded, by
// a codec that is new with each line; a line of JSON answers.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/net/http2/hpack"
)

// A field's octets travel as base64, which is what []byte is in JSON.
type field struct {
	Name   []byte `json:"name"`
	Value  []byte `json:"value"`
	Secret bool   `json:"secret"`
}

// A step changes the size of the table, or is one block: as fields, or as octets.
type step struct {
	Size   *uint32 `json:"size,omitempty"`
	Fields []field `json:"fields"`
	Block  []byte  `json:"block"`
}

type question struct {
	Decode bool `json:"decode"`
	// The size that was announced to the encoder.
	Limit uint32 `json:"limit"`
	Steps []step `json:"steps"`
}

func encode(q question) ([]step, error) {
	var out bytes.Buffer
	encoder := hpack.NewEncoder(&out)
	encoder.SetMaxDynamicTableSizeLimit(q.Limit)
	encoder.SetMaxDynamicTableSize(q.Limit)
	answers := []step{}
	for _, s := range q.Steps {
		if s.Size != nil {
			encoder.SetMaxDynamicTableSize(*s.Size)
			continue
		}
		out.Reset()
		for _, f := range s.Fields {
			if err := encoder.WriteField(hpack.HeaderField{Name: string(f.Name), Value: string(f.Value), Sensitive: f.Secret}); err != nil {
				return nil, err
			}
		}
		answers = append(answers, step{Block: bytes.Clone(out.Bytes())})
	}
	return answers, nil
}

func decode(q question) ([]step, error) {
	decoder := hpack.NewDecoder(4096, nil)
	decoder.SetAllowedMaxDynamicTableSize(q.Limit)
	answers := []step{}
	for _, s := range q.Steps {
		if s.Size != nil {
			decoder.SetAllowedMaxDynamicTableSize(*s.Size)
			continue
		}
		fields, err := decoder.DecodeFull(s.Block)
		if err != nil {
			return nil, err
		}
		answer := step{Fields: []field{}}
		for _, f := range fields {
			answer.Fields = append(answer.Fields, field{[]byte(f.Name), []byte(f.Value), f.Sensitive})
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

func main() {
	lines := bufio.NewReader(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var q question
		if err := json.Unmarshal(line, &q); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		work := encode
		if q.Decode {
			work = decode
		}
		steps, err := work(q)
		if err != nil {
			answers.Encode(map[string]string{"error": err.Error()})
			continue
		}
		answers.Encode(map[string]any{"steps": steps})
	}
}
