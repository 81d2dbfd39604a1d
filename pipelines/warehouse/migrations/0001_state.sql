-- What the centre keeps about parcels and years; nothing in here belongs to a person but a tombstone.
CREATE SCHEMA IF NOT EXISTS state;
CREATE SCHEMA IF NOT EXISTS landing;
CREATE SCHEMA IF NOT EXISTS core;

CREATE TABLE state.registry (
    submitter VARCHAR NOT NULL,
    signing_key VARCHAR NOT NULL,
    municipality_code VARCHAR NOT NULL,
    record VARCHAR NOT NULL,
    from_fy INTEGER NOT NULL,
    to_fy INTEGER NOT NULL,
    is_authority BOOLEAN NOT NULL
);
COMMENT ON TABLE state.registry IS '登録簿: 誰がどの市区町村・記録・年度を送ってよいか / who may send what';
COMMENT ON COLUMN state.registry.is_authority IS 'この記録の正となる提出者か / decides whether a fact counts';

CREATE TABLE state.municipality (
    code VARCHAR NOT NULL,
    city_code VARCHAR NOT NULL,
    births BIGINT NOT NULL
);
COMMENT ON TABLE state.municipality IS '市区町村・区、出生数(2024年、公的統計) / municipalities and wards with official births';
COMMENT ON COLUMN state.municipality.city_code IS '区の属する市、または自身 / the city of a ward, or itself';

CREATE TABLE state.feed (feed VARCHAR NOT NULL, trust INTEGER NOT NULL, is_register BOOLEAN NOT NULL);
COMMENT ON TABLE state.feed IS 'フィードの信頼順位 / how far a feed is believed (lower is sooner)';

-- The place of key rotation (a bridging period is another row): a parcel of any other version is refused.
CREATE TABLE state.linkage_domain (
    key_version INTEGER NOT NULL,
    canon_version INTEGER NOT NULL,
    status VARCHAR NOT NULL,
    PRIMARY KEY (key_version, canon_version)
);
COMMENT ON TABLE state.linkage_domain IS '受け入れる鍵と正規化の版 / versions of key and canonicalization accepted';

CREATE TABLE state.parcel (
    submitter VARCHAR NOT NULL,
    sequence BIGINT NOT NULL,
    manifest_sha256 BLOB NOT NULL,
    file_name VARCHAR NOT NULL,
    received_month DATE NOT NULL,
    from_fy INTEGER,
    to_fy INTEGER,
    receipt BLOB NOT NULL,
    synthetic_seed BIGINT,
    PRIMARY KEY (submitter, sequence)
);
COMMENT ON TABLE state.parcel IS '適用した提出物(同じ取引で記録) / parcels applied, written in the transaction of their rows';
COMMENT ON COLUMN state.parcel.received_month IS '受領月 / month of receipt, never the day';

CREATE TABLE state.parcel_record (
    submitter VARCHAR NOT NULL,
    sequence BIGINT NOT NULL,
    record VARCHAR NOT NULL,
    rows BIGINT NOT NULL,
    refusals BIGINT NOT NULL
);
COMMENT ON TABLE state.parcel_record IS '提出物ごとの行数と拒否数(公表は全国のみ) / rows and refusals; published for the nation only';

CREATE TABLE state.tombstone (submitter VARCHAR NOT NULL, row_key UUID NOT NULL, sequence BIGINT NOT NULL);
COMMENT ON TABLE state.tombstone IS '取消の印(行の仮名だけ) / cancelled rows, by their pseudonym alone';

CREATE TABLE state.period (fiscal_year INTEGER PRIMARY KEY, status VARCHAR NOT NULL, since_month DATE NOT NULL);
COMMENT ON TABLE state.period IS '年度の開閉 / closed fiscal years hold late rows back';

CREATE TABLE state.quarantine (
    submitter VARCHAR NOT NULL,
    municipality_code VARCHAR NOT NULL,
    fiscal_year INTEGER NOT NULL,
    births BIGINT NOT NULL,
    expected BIGINT NOT NULL
);
COMMENT ON TABLE state.quarantine IS '出生の数が見込みから外れ、数えない年度 / years whose births are out of all proportion: landed, not counted';

CREATE TABLE state.refreshed (is_current BOOLEAN NOT NULL);
COMMENT ON TABLE state.refreshed IS '現況表が受領済みの全てを含むか / whether the current state holds all that landed';

CREATE TABLE landing.token (
    submitter VARCHAR NOT NULL,
    resident_key UUID NOT NULL,
    rule VARCHAR NOT NULL,
    pseudonym UUID NOT NULL
);
COMMENT ON TABLE landing.token IS '二次仮名(複合) / second pseudonyms of composite tokens';

CREATE TABLE landing.arrival_lag (
    submitter VARCHAR NOT NULL,
    sequence BIGINT NOT NULL,
    record VARCHAR NOT NULL,
    event_month DATE,
    entry_channel_code VARCHAR,
    lag_class VARCHAR,
    n INTEGER NOT NULL
);
COMMENT ON TABLE landing.arrival_lag IS '到着までの日数の階級別件数 / how long records took, as counts by class';

INSERT INTO state.linkage_domain VALUES (1, 1, 'current');
INSERT INTO state.refreshed VALUES (FALSE);
