-- +goose Up
CREATE TABLE documents (
	digest TEXT PRIMARY KEY,
	kind   TEXT NOT NULL,
	body   BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE runs (
	id       TEXT PRIMARY KEY, -- UUIDv7: the order of IDs is that of creation
	name     TEXT NOT NULL,
	pipeline TEXT NOT NULL,
	state    TEXT NOT NULL,
	epoch    INTEGER NOT NULL,
	graph    TEXT NOT NULL,
	plan     TEXT NOT NULL,
	body     BLOB NOT NULL
);
CREATE INDEX runs_by_pipeline ON runs (pipeline, id);
CREATE INDEX runs_by_name ON runs (name, id);
CREATE INDEX runs_by_state ON runs (state, id);
CREATE INDEX runs_by_graph ON runs (graph);
CREATE INDEX runs_by_plan ON runs (plan);

CREATE TABLE run_tags (
	key    TEXT NOT NULL,
	value  TEXT NOT NULL,
	run_id TEXT NOT NULL,
	PRIMARY KEY (key, value, run_id)
) WITHOUT ROWID;
CREATE INDEX run_tags_by_run ON run_tags (run_id);

CREATE TABLE steps (
	run_id    TEXT NOT NULL,
	step      TEXT NOT NULL,
	idx       INTEGER NOT NULL, -- of the element; -1 is the step itself
	state     TEXT NOT NULL,
	elements  INTEGER NOT NULL,
	cache_key TEXT,             -- of results that may be found again
	computed  INTEGER,          -- nanoseconds
	body      BLOB NOT NULL,
	PRIMARY KEY (run_id, step, idx)
) WITHOUT ROWID;
CREATE INDEX steps_by_key ON steps (cache_key, computed) WHERE cache_key IS NOT NULL;

CREATE TABLE attempts (
	run_id TEXT NOT NULL,
	id     TEXT NOT NULL,
	step   TEXT NOT NULL,
	idx    INTEGER NOT NULL,
	body   BLOB NOT NULL,
	PRIMARY KEY (run_id, id)
) WITHOUT ROWID;

CREATE TABLE metrics (
	run_id  TEXT NOT NULL,
	step    TEXT NOT NULL,
	idx     INTEGER NOT NULL,
	attempt TEXT NOT NULL,
	seq     INTEGER NOT NULL,
	name    TEXT NOT NULL,
	value   TEXT NOT NULL, -- NaN and infinities are no SQL numbers
	time    INTEGER NOT NULL,
	PRIMARY KEY (run_id, step, idx, attempt, seq)
) WITHOUT ROWID;

CREATE TABLE artifacts (
	id       TEXT PRIMARY KEY,
	run_id   TEXT NOT NULL,
	step     TEXT NOT NULL,
	idx      INTEGER NOT NULL,
	name     TEXT NOT NULL,
	pipeline TEXT NOT NULL,
	digest   TEXT NOT NULL,
	created  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX artifacts_by_run ON artifacts (run_id, id);
CREATE INDEX artifacts_by_pipeline ON artifacts (pipeline, id);
CREATE INDEX artifacts_by_digest ON artifacts (digest, id);

CREATE TABLE versions (
	name     TEXT NOT NULL,
	version  INTEGER NOT NULL,
	artifact TEXT NOT NULL,
	created  INTEGER NOT NULL,
	PRIMARY KEY (name, version)
) WITHOUT ROWID;
CREATE INDEX versions_by_artifact ON versions (artifact);

CREATE TABLE content_refs (
	digest TEXT NOT NULL,
	run_id TEXT NOT NULL,
	PRIMARY KEY (digest, run_id)
) WITHOUT ROWID;
CREATE INDEX content_refs_by_run ON content_refs (run_id);

CREATE TABLE condemned (
	digest TEXT PRIMARY KEY,
	state  TEXT NOT NULL CHECK (state IN ('condemned', 'deleting'))
) WITHOUT ROWID;

CREATE TABLE batches (
	id      TEXT PRIMARY KEY,
	applied INTEGER NOT NULL -- seconds
) WITHOUT ROWID;

CREATE TABLE stacks (
	name    TEXT PRIMARY KEY,
	spec    BLOB NOT NULL,
	version INTEGER NOT NULL,
	updated INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE settings (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;

PRAGMA user_version = 1;
