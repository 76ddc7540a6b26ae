package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tenon-ml/tenon/artifact"
	"github.com/tenon-ml/tenon/metadata"
)

// verdict says what became of one look into the cache.
type verdict struct {
	outcome lookup
	reason  string // one sentence
	remedy  string // what to do about it; may be empty
}

type lookup string

const (
	hit      lookup = "hit"
	miss     lookup = "miss"
	uncached lookup = "not cached" // its results are neither looked for nor kept
	unlooked lookup = "not looked up"
	notRun   lookup = "not run"
)

const untold = "the key is that of an earlier result, and records do not tell why that was not used"

// judge says what happened, as far as records tell. Looked is whether the step came so far that its result was looked for.
func (x *explained) judge(ctx context.Context, client Client, looked bool) (verdict, error) {
	p, _, err := x.run.Step(x.row.Step)
	if err != nil {
		return verdict{}, err
	}
	never := cmp.Or(x.row.Uncached, p.Uncached)
	switch {
	case x.node.Over != nil && x.row.Index < 0 && x.row.State.Ended():
		return verdict{outcome: notRun, reason: strings.TrimSpace("it has no elements " + x.row.Skip)}, nil
	case x.row.State == metadata.StepCached:
		return verdict{outcome: hit, reason: "its result is that of " + x.originText()}, nil
	case !looked && x.row.State == metadata.StepSkipped:
		return verdict{outcome: notRun, reason: "it was skipped: " + x.row.Skip}, nil
	case !looked:
		return verdict{outcome: notRun, reason: "it is " + string(x.row.State)}, nil
	case never != "":
		reason, remedy, _ := strings.Cut(never, ": ")
		if remedy == "" && x.node.Wait == nil {
			remedy = "take Cache: step.Never from its configuration"
		}
		return verdict{uncached, reason, remedy}, nil
	case x.run.Plan.Options.NoCache:
		return verdict{outcome: unlooked, reason: "the run was started with --no-cache"}, nil
	case x.old == nil || len(x.diffs) > 0:
		return x.missed(), nil
	}
	return x.unused(ctx, client, p.Config.Cache.TTL)
}

// missed is the verdict for a step whose key is new.
func (x *explained) missed() verdict {
	v := verdict{outcome: miss}
	switch {
	case x.old == nil:
		v.reason = fmt.Sprintf("no result of this step is recorded in the last %d runs of the pipeline before it", nearRuns)
	case x.row.CacheKey != "" && x.row.CacheKey == x.old.row.CacheKey:
		v.reason = "the keys are the same, but what is recorded of the runs differs: one of them was resumed by another program"
	default:
		v.reason = x.diffs[0].String()
	}
	return v
}

// unused says why an earlier result of the same key was not taken. It does not guess.
func (x *explained) unused(ctx context.Context, client Client, ttl time.Duration) (verdict, error) {
	old := &x.old.row
	started, age := x.row.Started, x.row.Started.Sub(old.Computed)
	gone, err := x.gone(ctx, client)
	if err != nil {
		return verdict{}, err
	}
	v := verdict{outcome: miss}
	switch {
	case x.row.CacheKey != "" && old.CacheKey != "" && x.row.CacheKey != old.CacheKey:
		v.reason = "the keys differ, in something that is not recorded"
	case old.CacheKey == "":
		v.reason = "the earlier result was not kept for the cache: " + old.Uncached
	case x.old.run.ID > x.run.ID:
		v.reason = "the key is the same, but that result is of a later run"
	case !started.IsZero() && old.Computed.After(started):
		v.reason = "the earlier result was not there yet: it was computed at the same time"
	case ttl > 0 && age > ttl:
		v.reason = fmt.Sprintf("the earlier result was too old: it was computed %s before, and counts for %s", duration(age), duration(ttl))
	case forgotten(old):
		v.reason = "the earlier result was forgotten, by \"tenon cache prune\"; records do not tell whether that was before this step ran"
	case gone != "":
		v.reason = "the bytes of the earlier result's " + gone + " are not in the artifact store"
	case x.run.Replays != "":
		v.outcome, v.reason = unlooked, "the run replays "+shortID(x.run.Replays)+", in which steps from --from on run again; records do not tell whether this is one of them"
	default:
		v.reason = untold
	}
	return v, nil
}

func forgotten(row *metadata.Step) bool {
	for _, o := range row.Outputs {
		if o.Pruned {
			return true
		}
	}
	return false
}

// gone names an output of the earlier result whose bytes are not in the artifact store.
func (x *explained) gone(ctx context.Context, client Client) (string, error) {
	var store artifact.Store
	for _, o := range x.old.row.Outputs {
		if o.Record.Inline != nil || o.Record.Codec == artifact.GatherCodec {
			continue
		}
		if store == nil {
			var err error
			if store, err = client.Artifacts(ctx, x.run.Stack); err != nil {
				return "", err
			}
		}
		if info, err := store.Stat(ctx, o.Record.Digest); err != nil || info.Size != o.Record.Size {
			return o.Name, ctx.Err()
		}
	}
	return "", nil
}

// originText names the step that computed the result of a cached one.
func (x *explained) originText() string {
	if x.row.Origin == nil {
		return "an earlier run"
	}
	return "step " + elementName(x.row.Origin.Step, x.row.Origin.Index) + " of run " + x.row.Origin.Run
}
