-- published.duckdb: one file is one release. Created new from suppressed frames, never updated.
-- The stable contract that dashboards, exports and strangers with a DuckDB shell read (design, section 6).

CREATE TABLE release (
    release_id VARCHAR,
    schema_version INTEGER,
    status VARCHAR,
    created_on DATE,
    fiscal_years VARCHAR,
    policy_id VARCHAR,
    software_version VARCHAR,
    last_batch_id VARCHAR,
    is_synthetic BOOLEAN,
    seed BIGINT,
    PRIMARY KEY (release_id)
);
COMMENT ON TABLE release IS '公表の版 / one release per file';
COMMENT ON COLUMN release.release_id IS '公表ID / release id';
COMMENT ON COLUMN release.schema_version IS '表の構造の版 / version of this schema';
COMMENT ON COLUMN release.status IS '速報・確定・改訂 / provisional, final, revised';
COMMENT ON COLUMN release.created_on IS '作成日 / day of creation';
COMMENT ON COLUMN release.fiscal_years IS '対象年度 / fiscal years, e.g. 2022-2024';
COMMENT ON COLUMN release.policy_id IS '公表基準 / publication policy';
COMMENT ON COLUMN release.software_version IS 'mchdbの版 / software version';
COMMENT ON COLUMN release.last_batch_id IS '最後の受領 / last batch (keyed)';
COMMENT ON COLUMN release.is_synthetic IS '合成データか / made of synthetic data';
COMMENT ON COLUMN release.seed IS '合成データの種 / seed, only for synthetic data';

CREATE TABLE area (
    area_code VARCHAR,
    area_code5 VARCHAR,
    level VARCHAR,
    name_ja VARCHAR,
    name_en VARCHAR,
    parent_code VARCHAR,
    medical_area_code VARCHAR,
    valid_from DATE,
    valid_to DATE,
    lat DOUBLE,
    lon DOUBLE,
    PRIMARY KEY (area_code)
);
COMMENT ON TABLE area IS '地域 / areas';
COMMENT ON COLUMN area.area_code IS '地域コード(6桁) / area code, 6 digits';
COMMENT ON COLUMN area.area_code5 IS '標準地域コード(5桁) / 5-digit code';
COMMENT ON COLUMN area.level IS '段階 / nation, prefecture, medical_area, municipality, ward';
COMMENT ON COLUMN area.name_ja IS '名称 / name in Japanese';
COMMENT ON COLUMN area.name_en IS '英語名 / name in English';
COMMENT ON COLUMN area.parent_code IS '上位の地域 / parent area';
COMMENT ON COLUMN area.medical_area_code IS '二次医療圏 / medical area';
COMMENT ON COLUMN area.valid_from IS '有効期間の始め / valid from';
COMMENT ON COLUMN area.valid_to IS '有効期間の終わり / valid to';
COMMENT ON COLUMN area.lat IS '緯度(役所) / latitude of the office';
COMMENT ON COLUMN area.lon IS '経度(役所) / longitude of the office';

CREATE TABLE area_population (
    area_code VARCHAR,
    year INTEGER,
    population BIGINT,
    PRIMARY KEY (area_code, year)
);
COMMENT ON TABLE area_population IS '人口 / population';
COMMENT ON COLUMN area_population.area_code IS '地域 / area';
COMMENT ON COLUMN area_population.year IS '年(1月1日) / year (1 January)';
COMMENT ON COLUMN area_population.population IS '人口(住民基本台帳) / residents';

CREATE TABLE area_succession (
    old_code VARCHAR,
    new_code VARCHAR,
    effective_date DATE,
    kind VARCHAR,
    PRIMARY KEY (old_code, new_code, effective_date)
);
COMMENT ON TABLE area_succession IS '地域の変遷 / what became of an area';
COMMENT ON COLUMN area_succession.old_code IS '旧コード / old code';
COMMENT ON COLUMN area_succession.new_code IS '新コード / new code';
COMMENT ON COLUMN area_succession.effective_date IS '施行日 / effective date';
COMMENT ON COLUMN area_succession.kind IS '種別 / kind';

CREATE TABLE area_group (
    scheme VARCHAR,
    group_code VARCHAR,
    group_label VARCHAR,
    area_code VARCHAR,
    PRIMARY KEY (scheme, area_code)
);
COMMENT ON TABLE area_group IS '地域の類型 / groups of like areas';
COMMENT ON COLUMN area_group.scheme IS '類型の体系 / scheme';
COMMENT ON COLUMN area_group.group_code IS '類型 / group';
COMMENT ON COLUMN area_group.group_label IS '類型の名称 / label';
COMMENT ON COLUMN area_group.area_code IS '地域 / area';

CREATE TABLE area_attribute (
    area_code VARCHAR,
    year INTEGER,
    attribute_id VARCHAR,
    value DOUBLE,
    source VARCHAR,
    PRIMARY KEY (area_code, year, attribute_id)
);
COMMENT ON TABLE area_attribute IS '地域の属性 / attributes of areas';
COMMENT ON COLUMN area_attribute.area_code IS '地域 / area';
COMMENT ON COLUMN area_attribute.year IS '年 / year';
COMMENT ON COLUMN area_attribute.attribute_id IS '属性 / attribute';
COMMENT ON COLUMN area_attribute.value IS '公的統計の値 / official figure';
COMMENT ON COLUMN area_attribute.source IS '出典 / source';

CREATE TABLE coverage (
    area_code VARCHAR,
    period VARCHAR,
    period_kind VARCHAR,
    record VARCHAR,
    class VARCHAR,
    PRIMARY KEY (area_code, period, period_kind, record)
);
COMMENT ON TABLE coverage IS '記録の有無(階級) / which records arrived, as a class';
COMMENT ON COLUMN coverage.area_code IS '地域 / area';
COMMENT ON COLUMN coverage.period IS '期間 / period';
COMMENT ON COLUMN coverage.period_kind IS '期間の種類 / kind of period';
COMMENT ON COLUMN coverage.record IS '記録の種類 / record';
COMMENT ON COLUMN coverage.class IS '階級 / class';

CREATE TABLE count_definition (
    count_id VARCHAR,
    label_ja VARCHAR,
    label_en VARCHAR,
    subject VARCHAR,
    counting VARCHAR,
    basis VARCHAR,
    sensitivity VARCHAR,
    population_sql VARCHAR,
    condition_sql VARCHAR,
    within_count_id VARCHAR,
    PRIMARY KEY (count_id)
);
COMMENT ON TABLE count_definition IS '計数の定義 / definitions of counts';
COMMENT ON COLUMN count_definition.count_id IS '計数 / count';
COMMENT ON COLUMN count_definition.label_ja IS '名称 / Japanese label';
COMMENT ON COLUMN count_definition.label_en IS '英語名 / English label';
COMMENT ON COLUMN count_definition.subject IS '数える対象 / subject';
COMMENT ON COLUMN count_definition.counting IS '数え方 / way of counting';
COMMENT ON COLUMN count_definition.basis IS '期間の基準 / basis of the period';
COMMENT ON COLUMN count_definition.sensitivity IS '公表区分 / class of sensitivity';
COMMENT ON COLUMN count_definition.population_sql IS '母集団(SQL) / population';
COMMENT ON COLUMN count_definition.condition_sql IS '条件(SQL) / condition';
COMMENT ON COLUMN count_definition.within_count_id IS '含まれる計数 / lies within';

CREATE TABLE indicator (
    indicator_id VARCHAR,
    kind VARCHAR,
    label_ja VARCHAR,
    label_en VARCHAR,
    definition_ja VARCHAR,
    definition_en VARCHAR,
    numerator_id VARCHAR,
    denominator_id VARCHAR,
    scale DOUBLE,
    unit VARCHAR,
    decimals INTEGER,
    direction VARCHAR,
    basis VARCHAR,
    official_source VARCHAR,
    caution_ja VARCHAR,
    caution_en VARCHAR,
    PRIMARY KEY (indicator_id)
);
COMMENT ON TABLE indicator IS '指標 / indicators';
COMMENT ON COLUMN indicator.indicator_id IS '指標 / indicator';
COMMENT ON COLUMN indicator.kind IS '種類 / kind';
COMMENT ON COLUMN indicator.label_ja IS '名称 / Japanese label';
COMMENT ON COLUMN indicator.label_en IS '英語名 / English label';
COMMENT ON COLUMN indicator.definition_ja IS '定義 / definition in Japanese';
COMMENT ON COLUMN indicator.definition_en IS '英語の定義 / definition in English';
COMMENT ON COLUMN indicator.numerator_id IS '分子 / numerator';
COMMENT ON COLUMN indicator.denominator_id IS '分母 / denominator';
COMMENT ON COLUMN indicator.scale IS '倍率 / scale';
COMMENT ON COLUMN indicator.unit IS '単位 / unit';
COMMENT ON COLUMN indicator.decimals IS '小数の桁数 / decimals';
COMMENT ON COLUMN indicator.direction IS '望ましい方向(空欄は判断しない) / better: higher, lower, or none';
COMMENT ON COLUMN indicator.basis IS '期間の基準 / basis of the period';
COMMENT ON COLUMN indicator.official_source IS '公式統計 / official source';
COMMENT ON COLUMN indicator.caution_ja IS '注意 / caution in Japanese';
COMMENT ON COLUMN indicator.caution_en IS '英語の注意 / caution in English';

CREATE TABLE indicator_target (
    indicator_id VARCHAR,
    target_year INTEGER,
    value DOUBLE,
    plan VARCHAR,
    source VARCHAR,
    PRIMARY KEY (indicator_id, target_year, plan)
);
COMMENT ON TABLE indicator_target IS '目標値 / targets';
COMMENT ON COLUMN indicator_target.indicator_id IS '指標 / indicator';
COMMENT ON COLUMN indicator_target.target_year IS '目標年 / target year';
COMMENT ON COLUMN indicator_target.value IS '目標値 / target';
COMMENT ON COLUMN indicator_target.plan IS '計画 / plan';
COMMENT ON COLUMN indicator_target.source IS '出典 / source';

CREATE TABLE breakdown (
    breakdown_id VARCHAR,
    category_code VARCHAR,
    label_ja VARCHAR,
    label_en VARCHAR,
    sort INTEGER,
    PRIMARY KEY (breakdown_id, category_code)
);
COMMENT ON TABLE breakdown IS '内訳 / breakdowns';
COMMENT ON COLUMN breakdown.breakdown_id IS '内訳 / breakdown';
COMMENT ON COLUMN breakdown.category_code IS '区分 / category';
COMMENT ON COLUMN breakdown.label_ja IS '名称 / Japanese label';
COMMENT ON COLUMN breakdown.label_en IS '英語名 / English label';
COMMENT ON COLUMN breakdown.sort IS '並び順 / order';

CREATE TABLE count_cell (
    count_id VARCHAR,
    period VARCHAR,
    period_kind VARCHAR,
    area_code VARCHAR,
    breakdown_id VARCHAR,
    category_code VARCHAR,
    value BIGINT,
    status VARCHAR,
    PRIMARY KEY (count_id, period, period_kind, area_code, breakdown_id, category_code)
);
COMMENT ON TABLE count_cell IS '計数の値 / cells of counts';
COMMENT ON COLUMN count_cell.count_id IS '計数 / count';
COMMENT ON COLUMN count_cell.period IS '期間 / period';
COMMENT ON COLUMN count_cell.period_kind IS '期間の種類 / kind of period';
COMMENT ON COLUMN count_cell.area_code IS '地域 / area';
COMMENT ON COLUMN count_cell.breakdown_id IS '内訳 / breakdown';
COMMENT ON COLUMN count_cell.category_code IS '区分 / category';
COMMENT ON COLUMN count_cell.value IS '値(表示する場合のみ) / value, only where shown';
COMMENT ON COLUMN count_cell.status IS '状態 / status';

CREATE TABLE observation (
    indicator_id VARCHAR,
    period VARCHAR,
    period_kind VARCHAR,
    area_code VARCHAR,
    breakdown_id VARCHAR,
    category_code VARCHAR,
    numerator BIGINT,
    denominator BIGINT,
    value DOUBLE,
    ci_low DOUBLE,
    ci_high DOUBLE,
    n_areas_reporting INTEGER,
    n_areas_expected INTEGER,
    coverage_births DOUBLE,
    status VARCHAR,
    PRIMARY KEY (indicator_id, period, period_kind, area_code, breakdown_id, category_code)
);
COMMENT ON TABLE observation IS '指標の値 / values of indicators';
COMMENT ON COLUMN observation.indicator_id IS '指標 / indicator';
COMMENT ON COLUMN observation.period IS '期間 / period';
COMMENT ON COLUMN observation.period_kind IS '期間の種類 / kind of period';
COMMENT ON COLUMN observation.area_code IS '地域 / area';
COMMENT ON COLUMN observation.breakdown_id IS '内訳 / breakdown';
COMMENT ON COLUMN observation.category_code IS '区分 / category';
COMMENT ON COLUMN observation.numerator IS '分子 / numerator';
COMMENT ON COLUMN observation.denominator IS '分母 / denominator';
COMMENT ON COLUMN observation.value IS '値(倍率適用後) / value after scale';
COMMENT ON COLUMN observation.ci_low IS '95 %信頼区間の下限 / lower limit';
COMMENT ON COLUMN observation.ci_high IS '95 %信頼区間の上限 / upper limit';
COMMENT ON COLUMN observation.n_areas_reporting IS '報告した市区町村数 / municipalities reporting';
COMMENT ON COLUMN observation.n_areas_expected IS '登録された市区町村数 / municipalities registered';
COMMENT ON COLUMN observation.coverage_births IS '出生数で見た網羅割合 / share of births covered';
COMMENT ON COLUMN observation.status IS '状態 / status';

CREATE TABLE quality (
    area_code VARCHAR,
    period VARCHAR,
    record VARCHAR,
    measure VARCHAR,
    class VARCHAR,
    PRIMARY KEY (area_code, period, record, measure)
);
COMMENT ON TABLE quality IS 'データの質(階級) / data quality, as classes';
COMMENT ON COLUMN quality.area_code IS '地域 / area';
COMMENT ON COLUMN quality.period IS '期間 / period';
COMMENT ON COLUMN quality.record IS '記録の種類 / record';
COMMENT ON COLUMN quality.measure IS '尺度 / measure';
COMMENT ON COLUMN quality.class IS '階級 / class';

CREATE TABLE official_series (
    series_id VARCHAR,
    label_ja VARCHAR,
    label_en VARCHAR,
    basis VARCHAR,
    year INTEGER,
    area_code VARCHAR,
    value DOUBLE,
    unit VARCHAR,
    source VARCHAR,
    PRIMARY KEY (series_id, year, area_code)
);
COMMENT ON TABLE official_series IS '公式統計の系列 / official series';
COMMENT ON COLUMN official_series.series_id IS '系列 / series';
COMMENT ON COLUMN official_series.label_ja IS '名称 / Japanese label';
COMMENT ON COLUMN official_series.label_en IS '英語名 / English label';
COMMENT ON COLUMN official_series.basis IS '基準 / basis';
COMMENT ON COLUMN official_series.year IS '年 / year';
COMMENT ON COLUMN official_series.area_code IS '地域 / area';
COMMENT ON COLUMN official_series.value IS '値 / value';
COMMENT ON COLUMN official_series.unit IS '単位 / unit';
COMMENT ON COLUMN official_series.source IS '出典 / source';

CREATE TABLE symbol (
    status VARCHAR,
    symbol VARCHAR,
    meaning_ja VARCHAR,
    meaning_en VARCHAR,
    PRIMARY KEY (status)
);
COMMENT ON TABLE symbol IS '記号 / symbols';
COMMENT ON COLUMN symbol.status IS '状態 / status';
COMMENT ON COLUMN symbol.symbol IS '記号 / symbol';
COMMENT ON COLUMN symbol.meaning_ja IS '意味 / meaning in Japanese';
COMMENT ON COLUMN symbol.meaning_en IS '英語の意味 / meaning in English';

CREATE TABLE policy (
    policy_id VARCHAR,
    key VARCHAR,
    value VARCHAR,
    meaning_ja VARCHAR,
    meaning_en VARCHAR,
    guideline VARCHAR,
    PRIMARY KEY (policy_id, key)
);
COMMENT ON TABLE policy IS '公表基準 / publication policy';
COMMENT ON COLUMN policy.policy_id IS '公表基準 / policy';
COMMENT ON COLUMN policy.key IS '項目 / key';
COMMENT ON COLUMN policy.value IS '値 / value';
COMMENT ON COLUMN policy.meaning_ja IS '意味 / meaning in Japanese';
COMMENT ON COLUMN policy.meaning_en IS '英語の意味 / meaning in English';
COMMENT ON COLUMN policy.guideline IS '根拠 / guideline';

CREATE TABLE record_definition (
    record VARCHAR,
    version INTEGER,
    label_ja VARCHAR,
    label_en VARCHAR,
    grain VARCHAR,
    PRIMARY KEY (record)
);
COMMENT ON TABLE record_definition IS '記録の定義 / definitions of records';
COMMENT ON COLUMN record_definition.record IS '記録 / record';
COMMENT ON COLUMN record_definition.version IS '版 / version';
COMMENT ON COLUMN record_definition.label_ja IS '名称 / Japanese label';
COMMENT ON COLUMN record_definition.label_en IS '英語名 / English label';
COMMENT ON COLUMN record_definition.grain IS '1行が表すもの / grain';

CREATE TABLE field_definition (
    record VARCHAR,
    field VARCHAR,
    since_version INTEGER,
    label_ja VARCHAR,
    label_en VARCHAR,
    type VARCHAR,
    unit VARCHAR,
    role VARCHAR,
    rule_ja VARCHAR,
    rule_en VARCHAR,
    code_list VARCHAR,
    source_item VARCHAR,
    PRIMARY KEY (record, field)
);
COMMENT ON TABLE field_definition IS '項目の定義 / definitions of fields';
COMMENT ON COLUMN field_definition.record IS '記録 / record';
COMMENT ON COLUMN field_definition.field IS '項目 / field';
COMMENT ON COLUMN field_definition.since_version IS '初出の版 / since version';
COMMENT ON COLUMN field_definition.label_ja IS '名称 / Japanese label';
COMMENT ON COLUMN field_definition.label_en IS '英語名 / English label';
COMMENT ON COLUMN field_definition.type IS '型 / type';
COMMENT ON COLUMN field_definition.unit IS '単位 / unit';
COMMENT ON COLUMN field_definition.role IS '役割 / role at the edge';
COMMENT ON COLUMN field_definition.rule_ja IS '規則 / rule in Japanese';
COMMENT ON COLUMN field_definition.rule_en IS '英語の規則 / rule in English';
COMMENT ON COLUMN field_definition.code_list IS 'コード表 / code list';
COMMENT ON COLUMN field_definition.source_item IS '出典項目 / source item';

CREATE TABLE code (
    code_list VARCHAR,
    issuer VARCHAR,
    version VARCHAR,
    code VARCHAR,
    label_ja VARCHAR,
    label_en VARCHAR,
    PRIMARY KEY (code_list, code)
);
COMMENT ON TABLE code IS 'コード / codes';
COMMENT ON COLUMN code.code_list IS 'コード表 / code list';
COMMENT ON COLUMN code.issuer IS '発行者 / issuer';
COMMENT ON COLUMN code.version IS '版 / version';
COMMENT ON COLUMN code.code IS 'コード / code';
COMMENT ON COLUMN code.label_ja IS '名称 / Japanese label';
COMMENT ON COLUMN code.label_en IS '英語名 / English label';
