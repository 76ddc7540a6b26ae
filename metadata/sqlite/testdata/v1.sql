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
CREATE TABLE batches (
	id BLOB PRIMARY KEY
) WITHOUT ROWID;
CREATE TABLE checkpoints (
	n    INTEGER PRIMARY KEY,
	run  INTEGER NOT NULL,
	step TEXT NOT NULL,
	idx  INTEGER NOT NULL,
	body TEXT NOT NULL
);
CREATE TABLE condemned (
	digest     BLOB PRIMARY KEY,
	deleting   INTEGER NOT NULL,
	generation INTEGER NOT NULL, -- in which a deletion of it began or ended last
	deleted    INTEGER           -- when its bytes were, in nanoseconds
) WITHOUT ROWID;
CREATE TABLE content_refs (
	digest BLOB NOT NULL,
	run    INTEGER NOT NULL,
	owner  INTEGER NOT NULL,
	PRIMARY KEY (digest, run, owner)
) WITHOUT ROWID;
CREATE TABLE documents (
	digest BLOB PRIMARY KEY,
	kind   TEXT NOT NULL,
	body   BLOB NOT NULL
);
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
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
CREATE TABLE names (
	name   TEXT PRIMARY KEY,
	newest INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE run_tags (
	key    TEXT NOT NULL,
	value  TEXT NOT NULL,
	run_id TEXT NOT NULL,
	PRIMARY KEY (key, value, run_id)
) WITHOUT ROWID;
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
CREATE TABLE settings (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE signals (
	run  INTEGER NOT NULL,
	id   TEXT NOT NULL,
	body TEXT NOT NULL,
	PRIMARY KEY (run, id)
) WITHOUT ROWID;
CREATE TABLE stacks (
	name    TEXT PRIMARY KEY,
	spec    BLOB NOT NULL,
	version INTEGER NOT NULL,
	updated INTEGER NOT NULL -- nanoseconds
) WITHOUT ROWID;
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
CREATE TABLE versions (
	name     TEXT NOT NULL,
	version  INTEGER NOT NULL,
	artifact TEXT NOT NULL,
	digest   BLOB NOT NULL,
	created  INTEGER NOT NULL, -- nanoseconds
	PRIMARY KEY (name, version, artifact)
) WITHOUT ROWID;
CREATE UNIQUE INDEX checkpoints_by_place ON checkpoints (run, step, idx);
CREATE INDEX condemned_by_deleted ON condemned (deleted) WHERE deleted IS NOT NULL;
CREATE INDEX condemned_deleting ON condemned (digest) WHERE deleting;
CREATE INDEX content_refs_by_owner ON content_refs (run, owner);
CREATE INDEX run_tags_by_run ON run_tags (run_id);
CREATE INDEX runs_by_code ON runs (code) WHERE code IS NOT NULL;
CREATE INDEX runs_by_graph ON runs (graph);
CREATE UNIQUE INDEX runs_by_id ON runs (id);
CREATE INDEX runs_by_name ON runs (name, id);
CREATE UNIQUE INDEX runs_by_pipeline ON runs (pipeline, id);
CREATE INDEX runs_by_pipeline_state ON runs (pipeline, state, id);
CREATE INDEX runs_by_plan ON runs (plan);
CREATE INDEX runs_by_state ON runs (state, id);
CREATE UNIQUE INDEX runs_lost ON runs (id) WHERE lost;
CREATE INDEX steps_by_cache ON steps (cache, computed) WHERE cache IS NOT NULL;
CREATE INDEX steps_by_computed ON steps (computed, run) WHERE entry;
CREATE UNIQUE INDEX steps_by_place ON steps (run, step, idx);
CREATE INDEX versions_by_artifact ON versions (artifact);
INSERT INTO artifacts VALUES ('019b0000-0000-7000-8000-000000000003', 1);
INSERT INTO artifacts VALUES ('019b0000-0000-7000-8000-000000000004', 1);
INSERT INTO artifacts VALUES ('019b0000-0000-7000-8000-000000000007', 2);
INSERT INTO attempts VALUES (1, '019b0000-0000-7000-8000-000000000005', 'train', -1, '{"id":"019b0000-0000-7000-8000-000000000005","run":"019b0000-0000-7000-8000-000000000001","step":"train","index":-1,"number":1,"state":"succeeded","started":"2026-01-02T03:04:05.000000006Z","finished":"2026-01-02T03:04:05.000000006Z","cost":{"cpu":1000000000,"peak_memory":1048576,"read":1,"written":2},"logs":[{"lines":1,"size":0,"digest":"sha256:836ff184e7b41b1e13cb5fd89fa1de98dbbab99e9d2918913ff43b86a5c7c213"}]}');
INSERT INTO batches VALUES (X'019B0000000070008000000000000002');
INSERT INTO checkpoints VALUES (1, 2, 'train', -1, '{"run":"019b0000-0000-7000-8000-000000000006","step":"train","index":-1,"attempt":"019b0000-0000-7000-8000-000000000008","record":{"digest":"sha256:d81c55f49c5bb0d36bc11e3966ec4efab66f8dfefbbc1761161ca9d230e5466a","size":5,"codec":"raw/1","type":"string"},"saved":"2026-01-02T03:04:05.000000006Z"}');
INSERT INTO condemned VALUES (X'283BB9DEEF02E6843ABFB538EFA1ECA70801BD8A701C3F98191E123496339247', 0, 0, NULL);
INSERT INTO condemned VALUES (X'8901F3F8CB069F3816B6510F0675C6773BC6822FF68755079574FF6C5BA05E39', 1, 1, NULL);
INSERT INTO content_refs VALUES (X'53BB9B0B38AC812554ABEB88EA6D56760D07EC147A75E8761C4F57ECC298218F', 1, 0);
INSERT INTO content_refs VALUES (X'836FF184E7B41B1E13CB5FD89FA1DE98DBBAB99E9D2918913FF43B86A5C7C213', 1, 0);
INSERT INTO content_refs VALUES (X'9372C470EEADD5ECD9C3C74C2B3CB633F8E2F2FAD799250A0F70D652B6B825E4', 1, 0);
INSERT INTO content_refs VALUES (X'9372C470EEADD5ECD9C3C74C2B3CB633F8E2F2FAD799250A0F70D652B6B825E4', 1, 1);
INSERT INTO content_refs VALUES (X'C20DEA4D876B5B8FB0A1814B43017030CEA6D4AC30B2D9AE71B404D2FABA49B5', 2, -1);
INSERT INTO content_refs VALUES (X'D81C55F49C5BB0D36BC11E3966EC4EFAB66F8DFEFBBC1761161CA9D230E5466A', 2, -2);
INSERT INTO documents VALUES (X'148DE9C5A7A44D19E56CD9AE1A554BF67847AFB0C58F6E12FA29AC7DDFCA9940', 'plan', X'5B5D');
INSERT INTO documents VALUES (X'2E7D2C03A9507AE265ECF5B5356885A53393A2029D241394997265A1A25AEFC6', 'code', X'2829');
INSERT INTO documents VALUES (X'CD0AA9856147B6C5B4FF2B7DFEE5DA20AA38253099EF1B4A64ACED233C9AFE29', 'graph', X'7B7D');
INSERT INTO goose_db_version VALUES (1, 0, 1, '2026-01-01 00:00:00');
INSERT INTO goose_db_version VALUES (2, 1, 1, '2026-01-01 00:00:00');
INSERT INTO metrics VALUES (1, 'train', -1, '019b0000-0000-7000-8000-000000000005', 0, 'loss', 0.5, 1767323045000000006);
INSERT INTO names VALUES ('penguins/Model', 1);
INSERT INTO run_tags VALUES ('team', 'a', '019b0000-0000-7000-8000-000000000001');
INSERT INTO runs VALUES (1, '019b0000-0000-7000-8000-000000000001', 'nightly', 'penguins', 'succeeded', 1, 1, X'CD0AA9856147B6C5B4FF2B7DFEE5DA20AA38253099EF1B4A64ACED233C9AFE29', X'148DE9C5A7A44D19E56CD9AE1A554BF67847AFB0C58F6E12FA29AC7DDFCA9940', X'2E7D2C03A9507AE265ECF5B5356885A53393A2029D241394997265A1A25AEFC6', '{"id":"019b0000-0000-7000-8000-000000000001","name":"nightly","pipeline":"penguins","state":"succeeded","tags":{"team":"a"},"stack":"default","graph":"sha256:cd0aa9856147b6c5b4ff2b7dfee5da20aa38253099ef1b4a64aced233c9afe29","plan":"sha256:148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940","code":"sha256:2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6","params":{"lr":0.1},"replays":"019b0000-0000-7000-8000-000000000009","epoch":1,"driver":{"host":"h","pid":1},"created":"2026-01-02T03:04:05.000000006Z","started":"2026-01-02T03:04:05.000000006Z","finished":"2026-01-02T03:04:05.000000006Z","lost":true,"cost":{"cpu":1000000000,"peak_memory":1048576,"read":1,"written":2},"counts":{"succeeded":1}}', '{"Model":{"digest":"sha256:9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4","size":5,"codec":"raw/1","type":"string","meta":{"length":5},"preview":"model"}}');
INSERT INTO runs VALUES (2, '019b0000-0000-7000-8000-000000000006', 'nightly', 'penguins', 'failed', 0, 1, X'CD0AA9856147B6C5B4FF2B7DFEE5DA20AA38253099EF1B4A64ACED233C9AFE29', X'148DE9C5A7A44D19E56CD9AE1A554BF67847AFB0C58F6E12FA29AC7DDFCA9940', X'2E7D2C03A9507AE265ECF5B5356885A53393A2029D241394997265A1A25AEFC6', '{"id":"019b0000-0000-7000-8000-000000000006","name":"nightly","pipeline":"penguins","state":"failed","stack":"default","graph":"sha256:cd0aa9856147b6c5b4ff2b7dfee5da20aa38253099ef1b4a64aced233c9afe29","plan":"sha256:148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940","code":"sha256:2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6","params":{"lr":0.1},"replays":"019b0000-0000-7000-8000-000000000009","epoch":1,"driver":{"host":"h","pid":1},"created":"2026-01-02T03:04:05.000000006Z","started":"2026-01-02T03:04:05.000000006Z"}', NULL);
INSERT INTO settings VALUES ('active_stack', 'prod');
INSERT INTO settings VALUES ('generation', '1');
INSERT INTO signals VALUES (2, '019b0000-0000-7000-8000-000000000009', '{"id":"019b0000-0000-7000-8000-000000000009","run":"019b0000-0000-7000-8000-000000000006","kind":"approve","step":"deploy","by":"ann","note":"good","created":"2026-01-02T03:04:05.000000006Z"}');
INSERT INTO stacks VALUES ('prod', X'6E616D653A2070726F640A', 1, 0);
INSERT INTO steps VALUES (1, 1, 'train', -1, 'succeeded', 0, 3202306911907497721, 1767323045000000006, 1, '{"run":"019b0000-0000-7000-8000-000000000001","step":"train","index":-1,"state":"succeeded","cache_key":"key","computed":"2026-01-02T03:04:05.000000006Z","attempts":1,"started":"2026-01-02T03:04:05.000000006Z","finished":"2026-01-02T03:04:05.000000006Z","inputs":[{"name":"CSV","artifact":"","digest":"sha256:53bb9b0b38ac812554abeb88ea6d56760d07ec147a75e8761c4f57ecc298218f","uri":"file:///x.csv"}],"outputs":[{"id":"019b0000-0000-7000-8000-000000000003","name":"Model","record":{"digest":"sha256:9372c470eeadd5ecd9c3c74c2b3cb633f8e2f2fad799250a0f70d652b6b825e4","size":5,"codec":"raw/1","type":"string","meta":{"length":5},"preview":"model"}},{"id":"019b0000-0000-7000-8000-000000000004","name":"Empty","record":{"digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0,"codec":"raw/1","type":"string","inline":""}}]}');
INSERT INTO steps VALUES (2, 2, 'score', 2, 'succeeded', 0, NULL, 1767323045000000006, 0, '{"run":"019b0000-0000-7000-8000-000000000006","step":"score","index":2,"state":"succeeded","cache_key":"pruned","computed":"2026-01-02T03:04:05.000000006Z","attempts":0,"outputs":[{"id":"019b0000-0000-7000-8000-000000000007","name":"output","record":{"digest":"sha256:0fedead8d392392e76e93c4dba310b588e17ec9dadc44bd1fe90707480c8905c","size":6,"codec":"raw/1","type":"string"},"pruned":true}]}');
INSERT INTO versions VALUES ('penguins/Model', 1, '019b0000-0000-7000-8000-000000000003', X'9372C470EEADD5ECD9C3C74C2B3CB633F8E2F2FAD799250A0F70D652B6B825E4', 1767323045000000006);
PRAGMA user_version = 1;
