package workerrpc

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/component"
	workerv1 "github.com/tenon-ml/tenon/proto/tenon/worker/v1"
)

// nestingLimit bounds how deep gathered lists of gathered lists nest.
const nestingLimit = 64

func recordTo(r artifact.Record) (*workerv1.Record, error) {
	p := &workerv1.Record{
		Digest: string(r.Digest), Size: r.Size, Codec: text(r.Codec), Type: text(r.Type), Inline: r.Inline, Preview: text(r.Preview),
	}
	var err error
	if len(r.Meta) > 0 {
		if p.Meta, err = json.Marshal(r.Meta); err != nil {
			return nil, fmt.Errorf("encode what is known of artifact %s: %w", r.Digest, err)
		}
	}
	p.Elements, err = each(r.Elements, recordTo)
	return p, err
}

// optionalTo converts a record that need not be there.
func optionalTo(r *artifact.Record) (*workerv1.Record, error) {
	if r == nil {
		return nil, nil
	}
	return recordTo(*r)
}

func recordFrom(p *workerv1.Record) (artifact.Record, error) { return nestedFrom(p, 0) }

func nestedFrom(p *workerv1.Record, depth int) (artifact.Record, error) {
	if depth > nestingLimit {
		return artifact.Record{}, component.Errorf(component.Invalid, "an artifact's record nests more than %d deep", nestingLimit)
	}
	r := artifact.Record{
		Digest: artifact.Digest(p.GetDigest()), Size: p.GetSize(), Codec: p.GetCodec(), Type: p.GetType(),
		Inline: p.GetInline(), Preview: p.GetPreview(),
	}
	if err := r.Digest.Validate(); err != nil {
		return r, err
	}
	if err := notNegative("size of artifact "+p.GetDigest(), r.Size); err != nil {
		return r, err
	}
	if meta := p.GetMeta(); len(meta) > 0 {
		d := json.NewDecoder(bytes.NewReader(meta))
		d.UseNumber() // large ones keep their digits
		if err := d.Decode(&r.Meta); err != nil {
			return r, component.Errorf(component.Invalid, "what is known of artifact %s: %w", r.Digest, err)
		}
	}
	var err error
	r.Elements, err = each(p.GetElements(), func(e *workerv1.Record) (artifact.Record, error) { return nestedFrom(e, depth+1) })
	return r, err
}

func optionalFrom(p *workerv1.Record) (*artifact.Record, error) {
	if p == nil {
		return nil, nil
	}
	r, err := recordFrom(p)
	return &r, err
}
