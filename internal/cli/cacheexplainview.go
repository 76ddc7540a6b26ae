package cli

import (
	"encoding/json"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/internal/why"
	"github.com/tenon-ml/tenon/metadata"
)

// explainView is an explanation as -o json prints it. The field names are stable.
type explainView struct {
	metadata.StepKey
	Pipeline    string             `json:"pipeline"`
	State       metadata.StepState `json:"state"`
	Outcome     lookup             `json:"outcome"`
	Reason      string             `json:"reason"`
	Remedy      string             `json:"remedy,omitempty"`
	CacheKey    string             `json:"cache_key,omitempty"`
	Origin      *metadata.StepKey  `json:"origin,omitempty"`
	Computed    time.Time          `json:"computed,omitzero"`
	Against     *againstView       `json:"against,omitempty"`
	Differences []why.Difference   `json:"differences"` // in the order of the key
	Key         keyView            `json:"key"`
	Notes       []string           `json:"notes,omitempty"`
}

// againstView is what a step is compared with.
type againstView struct {
	metadata.StepKey
	Name     string             `json:"name"`
	State    metadata.StepState `json:"state"`
	CacheKey string             `json:"cache_key,omitempty"`
	Computed time.Time          `json:"computed,omitzero"`
}

// keyView is what a key is made of.
type keyView struct {
	Code    keyCode       `json:"code"`
	Params  []keyParam    `json:"params"`
	Version string        `json:"version"`
	Build   []string      `json:"build"`
	Sources []keySource   `json:"sources"`
	Inputs  []keyInput    `json:"inputs"`
	Outputs []keyArtifact `json:"outputs"`
}

type keyCode struct {
	Fingerprint  string `json:"fingerprint,omitempty"`
	Mode         string `json:"mode,omitempty"`
	Func         string `json:"func,omitempty"`
	Declarations int    `json:"declarations,omitempty"` // 0 if they are not known
}

type keyParam struct {
	Name  string          `json:"name"`
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
}

type keySource struct {
	Name   string `json:"name"`
	URI    string `json:"uri"`
	Digest string `json:"digest"`
}

type keyInput struct {
	Name     string            `json:"name"`
	Digest   artifact.Digest   `json:"digest,omitempty"`
	Artifact string            `json:"artifact,omitempty"`
	From     string            `json:"from"`
	Step     *metadata.StepKey `json:"step,omitempty"`
}

type keyArtifact struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Codec string `json:"codec"`
}

func (x *explained) view() explainView {
	f := x.facts
	v := explainView{
		StepKey: x.row.StepKey, Pipeline: x.run.Pipeline, State: x.row.State, Outcome: x.outcome, Reason: x.reason, Remedy: x.remedy,
		CacheKey: x.row.CacheKey, Origin: x.row.Origin, Computed: x.row.Computed, Differences: orEmpty(x.diffs), Notes: x.noteTexts(),
		Key: keyView{
			Code:    keyCode{f.Code.Fingerprint, string(f.Code.Mode), f.Code.Func, f.Code.Declarations()},
			Version: f.Version, Build: orEmpty(f.Build), Params: []keyParam{}, Sources: []keySource{}, Inputs: []keyInput{}, Outputs: []keyArtifact{},
		},
	}
	if old := x.old; old != nil {
		v.Against = &againstView{old.row.StepKey, old.run.Name, old.row.State, old.row.CacheKey, old.row.Computed}
	}
	for _, p := range f.Params {
		v.Key.Params = append(v.Key.Params, keyParam{p.Name, p.Type, p.Value})
	}
	for _, s := range f.Sources {
		v.Key.Sources = append(v.Key.Sources, keySource{s.Field, s.URI, s.Digest})
	}
	for _, in := range f.Inputs {
		v.Key.Inputs = append(v.Key.Inputs, keyInput{in.Name, in.Digest, in.Artifact, in.From.String(), in.Step})
	}
	for _, o := range f.Outputs {
		v.Key.Outputs = append(v.Key.Outputs, keyArtifact{o.Name, o.Type, o.Codec})
	}
	return v
}
