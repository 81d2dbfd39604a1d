"""Every word of the dashboards that is not in the release, Japanese first and English beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LANGUAGES = ("ja", "en")
PAGE_NAMES = ("overview", "map", "trend", "definitions")  # also the addresses; the first is at /

WORDS: dict[str, tuple[str, str]] = {
    # frame
    "title": ("母子保健の地域指標", "Regional maternal and child health"),
    "language": ("言語", "Language"),
    "synthetic": (
        "合成データ / synthetic data：実在の人や地域の実績ではありません。",
        "合成データ / synthetic data: not the results of any real people or areas.",
    ),
    "footer_release": ("公表ID", "Release"),
    "footer_status": ("区分", "Status"),
    "footer_created": ("作成日", "Created"),
    "footer_years": ("対象年度", "Fiscal years"),
    "footer_policy": ("公表基準", "Publication policy"),
    "footer_software": ("版", "Software"),
    "footer_note": (
        "この画面は、人数の少ない値を伏せたあとの公表ファイルだけを読みます。個人の記録には届きません。",
        "These pages read only the published file, in which small numbers are already hidden. No personal record can be reached.",
    ),
    "release_provisional": ("速報", "provisional"),
    "release_final": ("確定", "final"),
    "release_revised": ("改訂", "revised"),
    "policy_standard": ("標準(standard)", "standard"),
    "policy_official_parity": ("公的統計と同等(official_parity)", "parity with official statistics (official_parity)"),
    "no_release": (
        "公表ファイル(published.duckdb)が見つかりません。'mchdb release' で作成してください。",
        "A release (published.duckdb) is required, but there is none. Make one with 'mchdb release'.",
    ),
    "not_a_release": (
        "公表ファイル(published.duckdb)が必要ですが、指定されたファイルは公表ファイルではありません。'mchdb release' で作り直してください。",
        "A release (published.duckdb) is required, but the given file is not one. Make it again with 'mchdb release'.",
    ),
    "part_missing": (
        "この版には、このページに必要な表が含まれていません。新しい版が公表されると表示されます。",
        "This release does not hold the table this page needs. It will show once a newer release is published.",
    ),
    "page_failed": (
        "このページを表示できませんでした。選び直すか、しばらくしてから開き直してください。",
        "This page could not be shown. Choose something else, or open it again later.",
    ),
    # pages
    "overview": ("地域の概要", "Overview"),
    "map": ("地図と順位", "Map and ranking"),
    "trend": ("推移", "Trend"),
    "definitions": ("定義と公表基準", "Definitions"),
    # areas, levels, periods
    "sum_of_registered": ("登録された都道府県の合計", "Sum of the registered prefectures"),
    "level_nation": ("全国", "nation"),
    "level_prefecture": ("都道府県", "Prefectures"),
    "level_medical_area": ("二次医療圏", "Medical areas"),
    "level_municipality": ("市区町村", "Municipalities"),
    "level": ("地域の段階", "Level"),
    "prefecture": ("都道府県", "Prefecture"),
    "area": ("市区町村・医療圏", "Municipality or medical area"),
    "whole_prefecture": ("{name}全体", "All of {name}"),
    "area_choice": ("地域を選ぶ", "Choose an area"),
    "not_registered": ("{name}(未登録)", "{name} (not registered)"),
    "none_chosen": ("選択なし", "None"),
    "period": ("期間", "Period"),
    "year_fiscal_year": ("{year}年度", "FY{year}"),
    "year_calendar_year": ("{year}年", "{year}"),
    "year_birth_cohort_fy": ("{year}年度出生", "born in FY{year}"),
    "year_delivery_cohort_fy": ("{year}年度分娩", "delivered in FY{year}"),
    "years_pooled": ("{first}～{last}年度({n}年計)", "FY{first} to FY{last} ({n} years pooled)"),
    "basis": ("期間の基準", "Basis of the period"),
    "basis_fiscal_year": ("年度(4月～翌年3月)", "fiscal year (April to March)"),
    "basis_calendar_year": ("年(1月～12月)", "calendar year"),
    "basis_birth_cohort_fy": ("出生の年度", "fiscal year of birth"),
    "basis_delivery_cohort_fy": ("分娩の年度", "fiscal year of delivery"),
    "indicator": ("指標", "Indicator"),
    # values
    "interval": ("95 %区間", "95 % interval"),
    "interval_between": ("{low}～{high}", "{low} to {high}"),
    "interval_low": ("95 %区間 下限", "95 % low"),
    "interval_high": ("95 %区間 上限", "95 % high"),
    "value": ("値", "Value"),
    "numerator": ("分子", "Numerator"),
    "denominator": ("分母", "Denominator"),
    "status": ("状態", "Status"),
    "divided": ("{numerator} {n} ÷ {denominator} {d}", "{numerator} {n} ÷ {denominator} {d}"),
    "mean_over": ("{denominator} {d}の平均", "Mean over {d} {denominator}"),
    "counted": ("{numerator}", "Number of {numerator}"),
    "higher": ("高いほど望ましい", "Higher is better"),
    "lower": ("低いほど望ましい", "Lower is better"),
    "no_direction": ("高低を判断しない", "Not judged as better or worse"),
    "above": ("{name}より高い", "Above {name}"),
    "below": ("{name}より低い", "Below {name}"),
    "alike": ("{name}と明らかな差なし", "No clear difference from {name}"),
    "comparators": ("比較", "Compared with"),
    "reporting": ("報告 {n} / 登録 {expected} 市区町村", "{n} of {expected} registered municipalities reporting"),
    "coverage": ("出生の {share} % を網羅", "covering {share} % of births"),
    "target": ("目標 {value} {unit}({year}年、{plan})", "Target {value} {unit} ({year}, {plan})"),
    "targets": ("目標値", "Targets"),
    "no_target": ("定めていない", "none set"),
    # statuses
    "status_observed": ("公表値", "published"),
    "status_partial": ("一部の報告", "partly reported"),
    "status_provisional": ("速報値", "provisional"),
    "status_revised": ("改訂値", "revised"),
    "status_suppressed": ("秘匿", "suppressed"),
    "status_not_yet": ("観察期間未了", "not yet"),
    "status_not_collected": ("未収集", "not collected"),
    "status_not_applicable": ("該当なし", "not applicable"),
    "status_withheld_quality": ("品質により非表示", "withheld for quality"),
    "status_not_published": ("公表対象外", "not published here"),
    "why_suppressed": (
        "人数が少ない値や、引き算で少ない人数が分かる値は表示しません。個人が特定されるのを防ぐためです。",
        "Small numbers, and numbers from which a small one could be worked out, are not shown, so that nobody can be identified.",
    ),
    "why_not_yet": ("観察期間がまだ終わっていません。", "The period of observation is not over yet."),
    "why_not_collected": ("この地域は登録されておらず、記録を集めていません。", "This area is not registered; no records are collected."),
    "why_not_applicable": ("この地域・期間には当てはまりません。", "Does not apply to this area and period."),
    "why_withheld_quality": ("データの質が公表の基準に届いていません。", "The quality of the data is below the standard for publication."),
    "why_not_published": (
        "この段階・期間では公表しない指標です。",
        "This indicator is not published for this level and period.",
    ),
    "nearest": ("最も近い公表値", "Nearest published number"),
    "see_nearest": ("この値を表示：{name}、{period}", "Show it: {name}, {period}"),
    "no_nearest": ("近い公表値もありません。", "No number nearby is published either."),
    "see_trend": ("推移を見る", "See the trend"),
    "see_definition": ("定義を見る", "See the definition"),
    "see_overview": ("{name}の概要を見る", "Overview of {name}"),
    # overview
    "overview_of": ("{name}の母子保健指標", "{name}: maternal and child health"),
    "n_shown": ("{all}指標のうち{shown}指標を表示", "{shown} of {all} indicators shown"),
    "n_hidden": ("、{hidden}指標は秘匿", ", {hidden} suppressed"),
    "nation_is_sum": (
        "全国ではありません。登録された{n}市区町村(全国{all}市区町村のうち)の合計です。",
        "Not all of Japan: the sum of {n} registered municipalities out of {all}.",
    ),
    "trend_of_years": ("年ごとの値", "Single years"),
    # map and ranking
    "map_title": ("{indicator}　{level}、{period}", "{indicator}: {level}, {period}"),
    "map_reach_municipality": (
        "全国{all}市区町村のうち登録{expected}市区町村、値を表示できるのは{shown}",
        "{shown} of {expected} registered of {all} municipalities shown",
    ),
    "map_reach": ("登録{expected}地域のうち{shown}地域を表示", "{shown} of {expected} registered areas shown"),
    "map_note": (
        "六角形1つ＝1市区町村(同じ大きさ)。位置は並べ替えたもので、実際の境界・面積・距離ではありません。",
        "One hexagon is one municipality, all of one size. Positions are rearranged; they are not borders, areas or distances.",
    ),
    "shape": ("地図の形", "Shape of the map"),
    "shape_hexagons": ("六角形", "Hexagons"),
    "shape_borders": ("実際の境界", "True borders"),
    "map_note_borders": (
        "境界：利用者が用意したファイル({file})。国土数値情報(行政区域データ)による場合は出典の表示が必要です。沖縄・奄美と小笠原は移動して描いています。",
        "Borders: a file brought by the user ({file}); name its source, e.g. National Land Numerical Information. Okinawa, Amami and Ogasawara are moved.",
    ),
    "map_label": ("{title}の六角形地図。同じ内容を下の表で読めます。", "Hexagon map of {title}. The table below holds the same values."),
    "map_hint": ("地図で選んだ地域は、どのページでも選ばれたままになります。", "An area chosen on the map stays chosen on every page."),
    "map_hint_narrow": ("1回目で都道府県を拡大、2回目で地域を選択", "Tap once to enlarge a prefecture, again to choose"),
    "map_back": ("全国に戻る", "Back to all of Japan"),
    "map_zoom": ("{name}を拡大", "Enlarge {name}"),
    "map_wait": ("地図を描いています…", "Drawing the map…"),
    "class_range": ("{low}以上{high}未満", "{low} to under {high}"),
    "class_from": ("{low}以上", "{low} and over"),
    "class_below": ("{high}未満", "Under {high}"),
    "legend": ("凡例", "Legend"),
    "legend_other": ("観察期間未了・公表対象外", "Not yet, or not published here"),
    "legend_chosen": ("選んだ地域", "Chosen area"),
    "ranking": ("順位と95 %区間", "Ranking with 95 % intervals"),
    "ranking_note": (
        "区間が重なる地域どうしの順位の差には意味がありません。秘匿の地域は順位を付けず、コード順で最後に置きます。",
        "Where intervals overlap, a difference in rank means nothing. Suppressed areas have no rank and stand last, by code.",
    ),
    "ranking_count_note": (
        "件数は人口の大きさを映すもので、順位は優劣ではありません。秘匿の地域は最後に置きます。",
        "Counts mirror the size of the population; the rank is not a judgement. Suppressed areas stand last.",
    ),
    "ranking_alt": ("{title}の順位。数値は下の表にあります。", "Ranking: {title}. The numbers are in the table below."),
    "ranking_part": ("{first}～{last}番目(全{n})", "{first} to {last} of {n}"),
    "rank": ("順位", "Rank"),
    "table": ("表", "Table"),
    "table_note": ("地図と順位と同じ内容です。", "The same values as the map and the ranking."),
    "table_alt": ("{title}の表", "Table: {title}"),
    "nothing_at_level": (
        "{indicator}は、この段階・期間では公表できる値がありません。",
        "No value of {indicator} can be published for this level and period.",
    ),
    "available": ("公表している段階と期間：{list}", "Published: {list}"),
    "available_nowhere": ("この版では、どの段階でも公表していません。", "This release publishes it at no level."),
    "symbol": ("記号", "Symbol"),
    "code": ("コード", "Code"),
    "area_name": ("地域", "Area"),
    # downloads
    "download": ("ダウンロード", "Download"),
    "download_csv": ("CSV", "CSV"),
    "download_xlsx": ("Excel(定義・記号つき)", "Excel (with codebook and symbols)"),
    # trend
    "trend_title": ("{indicator}の推移", "{indicator}: trend"),
    "compare_by": ("比べるもの", "Compare"),
    "by_areas": ("地域どうし", "areas"),
    "by_categories": ("内訳：{labels}", "by {labels}"),
    "areas": ("地域(6つまで)", "Areas (up to 6)"),
    "trend_note": (
        "縦の線は95 %区間。値を表示できない年は線を切り、下の端に記号を置きます。",
        "Vertical lines are 95 % intervals. Where a year cannot be shown, the line breaks and its symbol stands at the bottom.",
    ),
    "trend_alt": ("{title}。数値は下の表にあります。", "{title}. The numbers are in the table below."),
    "trend_empty": (
        "選んだ地域では、年ごとの値を1つも表示できません。",
        "No single-year value can be shown for the chosen areas.",
    ),
    "fiscal_year": ("年度", "Fiscal year"),
    "category": ("区分", "Category"),
    # definitions
    "tab_indicator": ("指標", "Indicators"),
    "tab_policy": ("公表基準", "Publication policy"),
    "tab_symbols": ("記号", "Symbols"),
    "tab_records": ("記録と項目", "Records and fields"),
    "definition": ("定義", "Definition"),
    "direction": ("望ましい方向", "Direction"),
    "kind": ("種類", "Kind"),
    "kind_count": ("件数", "count"),
    "kind_proportion": ("割合(分子は分母に含まれる)", "proportion (numerator within denominator)"),
    "kind_rate": ("率(分子は分母に含まれるとは限らない)", "rate (numerator not always within denominator)"),
    "kind_mean": ("平均", "mean"),
    "unit": ("単位", "Unit"),
    "official_source": ("公式統計", "Official source"),
    "caution": ("公式統計との違い・注意", "Difference and caution"),
    "breakdowns": ("公表する内訳", "Breakdowns published"),
    "no_breakdown": ("なし", "none"),
    "levels_published": ("値を表示している段階", "Levels with shown values"),
    "sql": ("数え方(SQL)", "How it is counted (SQL)"),
    "population_sql": ("母集団", "Population"),
    "condition_sql": ("条件", "Condition"),
    "policy_item": ("項目", "Item"),
    "policy_meaning": ("意味", "Meaning"),
    "policy_guideline": ("根拠", "Guideline"),
    "record": ("記録", "Record"),
    "record_grain": ("1行が表すもの：{grain}(版 {version})", "One row is: {grain} (version {version})"),
    "field": ("項目", "Field"),
    "label": ("名称", "Label"),
    "type": ("型", "Type"),
    "role": ("提出元での扱い", "Role at the source"),
    "rule": ("規則", "Rule"),
    "nothing_here": ("この版には収められていません。", "Not part of this release."),
    "sensitivity": ("公表区分", "Sensitivity class"),
}  # fmt: skip

UNITS_EN = {"人": "", "回": "visits", "件": "", "円": "yen"}


@dataclass(frozen=True)
class Words:
    """The words of one language."""

    lang: str

    def __call__(self, key: str, **values: Any) -> str:
        return WORDS[key][LANGUAGES.index(self.lang)].format(**values)

    @property
    def separator(self) -> str:
        return "・" if self.lang == "ja" else " · "

    @property
    def stop(self) -> str:
        return "。" if self.lang == "ja" else ". "

    def of(self, row: Mapping[str, Any], stem: str) -> str:
        """The text of a release's bilingual columns, e.g. `label` -> `label_ja`; the other language where one is empty."""
        here, there = (row.get(f"{stem}_{lang}") for lang in (self.lang, *(x for x in LANGUAGES if x != self.lang)))
        return here or there or ""

    def known(self, prefix: str, code: str | None) -> str:
        """The word for a code of the release; a code we have no word for is shown as it is."""
        key = f"{prefix}_{code}"
        return self(key) if key in WORDS else str(code or "")

    def unit(self, unit: str | None) -> str:
        return UNITS_EN.get(unit or "", unit or "") if self.lang == "en" else unit or ""

    def number(self, value: float | None, decimals: int = 0) -> str:
        return "" if value is None else f"{value:,.{decimals}f}"

    def quantity(self, value: float | None, decimals: int, unit: str | None) -> str:
        """A number with its unit: 9.3 %, 1,234人, 12.1 visits."""
        word = self.unit(unit)
        gap = "" if not word or (self.lang == "ja" and word != "%") else " "
        return f"{self.number(value, decimals)}{gap}{word}"

    def interval(self, low: float | None, high: float | None, decimals: int) -> str:
        if low is None or high is None:
            return ""
        return self("interval_between", low=self.number(low, decimals), high=self.number(high, decimals))

    def period(self, period: str, basis: str | None = "fiscal_year") -> str:
        """A period in words: 2024年度, 2022～2024年度(3年計)."""
        first, _, last = period.partition("-")
        if last:
            return self("years_pooled", first=first, last=last, n=int(last) - int(first) + 1)
        return self(f"year_{basis}" if f"year_{basis}" in WORDS else "year_fiscal_year", year=first)
