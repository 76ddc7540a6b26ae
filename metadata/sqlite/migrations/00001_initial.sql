-- Rows are what queries and constraints need as columns, and the whole record as JSON in body. Wide rows are in rowid tables, whose
-- trees hold them better; what is small and found by its key is WITHOUT ROWID. Every index costs each step a page to write, so that there
-- is none that no query needs.

-- +goose Up
CREATE TABLE documents (
	digest BLOB PRIMARY KEY,
	kind   TEXT NOT NULL,
	body   BLOB NOT NULL
);

CREATE TABLE runs (
	n        INTEGER PRIMARY KEY, -- what other tables call the run
	id       TEXT NOT NULL,       -- UUIDv7: the order of IDs is that of creation
	name     TEXT NOT NULL,
	pipeline TEXT NOT NULL,
	state    TEXT NOT NULL,
	lost     INTEGER NOT NULL,
	epoch    INTEGER NOT NULL,
	graph    BLOB,
	plan     BLOB,
	code     BLOB,
	body     TEXT NOT NULL,       -- without the outputs
	outputs  TEXT
);
CREATE UNIQUE INDEX runs_by_id ON runs (id);
CREATE INDEX runs_by_name ON runs (name, id);
CREATE INDEX runs_by_state ON runs (state, id);
CREATE UNIQUE INDEX runs_by_pipeline ON runs (pipeline, id); -- unique, so that nothing behind the ID is sorted
CREATE INDEX runs_by_pipeline_state ON runs (pipeline, state, id);
CREATE UNIQUE INDEX runs_lost ON runs (id) WHERE lost;
CREATE INDEX runs_by_graph ON runs (graph);
CREATE INDEX runs_by_plan ON runs (plan);
CREATE INDEX runs_by_code ON runs (code) WHERE code IS NOT NULL;

CREATE TABLE run_tags (
	key    TEXT NOT NULL,
	value  TEXT NOT NULL,
	run_id TEXT NOT NULL,
	PRIMARY KEY (key, value, run_id)
) WITHOUT ROWID;
CREATE INDEX run_tags_by_run ON run_tags (run_id);

CREATE TABLE steps (
	n        INTEGER PRIMARY KEY,
	run      INTEGER NOT NULL,
	step     TEXT NOT NULL,
	idx      INTEGER NOT NULL, -- of the element; -1 is the step itself
	state    TEXT NOT NULL,
	elements INTEGER NOT NULL,
	cache    INTEGER,          -- 64 bits of the hash of the cache key of a result that may be found again
	computed INTEGER NOT NULL, -- nanoseconds
	entry    INTEGER NOT NULL, -- whether it stands for its result in listings of the cache
	body     TEXT NOT NULL
);
CREATE UNIQUE INDEX steps_by_place ON steps (run, step, idx);
CREATE INDEX steps_by_cache ON steps (cache, computed) WHERE cache IS NOT NULL;
CREATE INDEX steps_by_computed ON steps (computed, run) WHERE entry;

CREATE TABLE artifacts (
	id   TEXT PRIMARY KEY,
	step INTEGER NOT NULL -- whose body holds the artifact
) WITHOUT ROWID;

CREATE TABLE attempts (
	run  INTEGER NOT NULL,
	id   TEXT NOT NULL,
	step TEXT NOT NULL,
	idx  INTEGER NOT NULL,
	body TEXT NOT NULL,
	PRIMARY KEY (run, id)
) WITHOUT ROWID;

CREATE TABLE checkpoints (
	n    INTEGER PRIMARY KEY,
	run  INTEGER NOT NULL,
	step TEXT NOT NULL,
	idx  INTEGER NOT NULL,
	body TEXT NOT NULL
);
CREATE UNIQUE INDEX checkpoints_by_place ON checkpoints (run, step, idx);

CREATE TABLE signals (
	run  INTEGER NOT NULL,
	id   TEXT NOT NULL,
	body TEXT NOT NULL,
	PRIMARY KEY (run, id)
) WITHOUT ROWID;

CREATE TABLE metrics (
	run     INTEGER NOT NULL,
	step    TEXT NOT NULL,
	idx     INTEGER NOT NULL,
	attempt TEXT NOT NULL,
	seq     INTEGER NOT NULL,
	name    TEXT NOT NULL,
	value   REAL,             -- NULL is NaN
	time    INTEGER NOT NULL, -- nanoseconds
	PRIMARY KEY (run, step, idx, attempt, seq)
) WITHOUT ROWID;

-- The number that each name gave last, so that none is given twice.
CREATE TABLE names (
	name   TEXT PRIMARY KEY,
	newest INTEGER NOT NULL
) WITHOUT ROWID;

-- A version has a row for each artifact of its content.
CREATE TABLE versions (
	name     TEXT NOT NULL,
	version  INTEGER NOT NULL,
	artifact TEXT NOT NULL,
	digest   BLOB NOT NULL,
	created  INTEGER NOT NULL, -- nanoseconds
	PRIMARY KEY (name, version, artifact)
) WITHOUT ROWID;
CREATE INDEX versions_by_artifact ON versions (artifact);

-- Which run keeps which content of the artifact store, and what in it does: the outputs of a step, as n of its row; the run itself as long
-- as it is there, as 0; a hold, as -1; a checkpoint, as -1 - n.
CREATE TABLE content_refs (
	digest BLOB NOT NULL,
	run    INTEGER NOT NULL,
	owner  INTEGER NOT NULL,
	PRIMARY KEY (digest, run, owner)
) WITHOUT ROWID;
CREATE INDEX content_refs_by_owner ON content_refs (run, owner);

-- Content that no batch may refer to.
CREATE TABLE condemned (
	digest     BLOB PRIMARY KEY,
	deleting   INTEGER NOT NULL,
	generation INTEGER NOT NULL, -- in which a deletion of it began or ended last
	deleted    INTEGER           -- when its bytes were, in nanoseconds
) WITHOUT ROWID;
CREATE INDEX condemned_deleting ON condemned (digest) WHERE deleting;
CREATE INDEX condemned_by_deleted ON condemned (deleted) WHERE deleted IS NOT NULL;

-- The IDs of batches that were applied, for a while.
CREATE TABLE batches (
	id BLOB PRIMARY KEY
) WITHOUT ROWID;

CREATE TABLE stacks (
	name    TEXT PRIMARY KEY,
	spec    BLOB NOT NULL,
	version INTEGER NOT NULL,
	updated INTEGER NOT NULL -- nanoseconds
) WITHOUT ROWID;

CREATE TABLE settings (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;

PRAGMA user_version = 1;
