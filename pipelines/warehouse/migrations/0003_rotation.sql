-- Key rotation (privacy, hole 20): which versions a composite pseudonym is of, the one bridge, the chain of centre keys.
ALTER TABLE landing.token ADD COLUMN key_version INTEGER DEFAULT 1;
ALTER TABLE landing.token ADD COLUMN canon_version INTEGER DEFAULT 1;

CREATE TABLE state.bridge (rule VARCHAR NOT NULL, former UUID NOT NULL, current UUID NOT NULL);
COMMENT ON TABLE state.bridge IS '橋渡し期間だけの対応: 前の版と今の版の二次仮名 / pairs of pseudonyms, in the bridging period alone';

CREATE TABLE state.cohort_before (fiscal_year INTEGER PRIMARY KEY, persons BIGINT NOT NULL);
COMMENT ON TABLE state.cohort_before IS '版の変更前の、閉じた出生年度の人数 / persons of closed birth cohorts before a version change';

CREATE TABLE state.centre_key (version INTEGER PRIMARY KEY);
COMMENT ON TABLE state.centre_key IS '二次仮名を作る鍵の鎖(版の順に重ねる) / the chain of centre keys under the pseudonyms, in order';

INSERT INTO state.centre_key VALUES (1);
UPDATE state.refreshed SET is_current = FALSE;
