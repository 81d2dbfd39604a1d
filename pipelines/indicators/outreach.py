"""Who needs to be reached (プッシュ型支援): rules and stops, run inside a town hall on a given day.

A rule counts whom an indicator counts, where there is one: it takes over that count's population. Source of the rules:
reference domain, chapter 7; days and limits there are the project's own proposal (要確認), not a national standard.

Of the lists the counts alone travel (listed, and of those reached), by rule and quarter, and are published from
prefectures up.
"""

from pipelines.declaration import Breakdown, Category, Count, Indicator, OutreachRule, Sensitivity, Stop
from pipelines.indicators import child, postpartum, pregnancy

COUNTED = {c.id: c for stage in (pregnancy, postpartum, child) for c in stage.COUNTS}
PRIORITIES = ("highest", "high", "mid")

HAS_OPEN_PLAN = " OR ".join(
    f"{who} IN (SELECT local_number FROM own.helped WHERE has_open_plan)" for who in ("local_number", "household")
)

# In this order, and before anything is counted: nobody is written to about a child who died.
STOPS = (
    Stop("deceased", "児または母の死亡", "child or mother deceased", "is_deceased"),
    Stop("loss", "妊娠の喪失", "pregnancy ended in loss", "is_lost"),
    Stop("moved_out", "転出", "moved out", "left_date <= as_of"),
    Stop("open_plan", "支援中(サポートプラン。担当者が対応)", "under an open support plan: its nurse", HAS_OPEN_PLAN),
    Stop("refused", "90日以内に拒否", "refused within 90 days",
         "local_number IN (SELECT local_number FROM own.helped WHERE as_of - refused_date BETWEEN 0 AND 90)"),
)  # fmt: skip

WEEKS = (
    "CAST(floor((as_of - due_date + 280) / 7) AS INTEGER)"  # completed weeks on the day; 280 days end at the due date
)
AGE_MONTHS = "date_diff('month', birth_date, as_of) - CAST(day(as_of) < day(birth_date) AS INTEGER)"  # completed
DELAYED = (
    f"NOT has_measles_rubella AND {AGE_MONTHS} BETWEEN 13 AND 23 OR NOT has_dpt_ipv AND {AGE_MONTHS} BETWEEN 5 AND 89 "
    "OR as_of - moved_in_date BETWEEN 0 AND 60 AND as_of < birth_date + INTERVAL 4 YEAR AND NOT has_history "
    "AND replied_date IS NULL AND (requested_date IS NULL OR as_of - requested_date > 14)"
)
LISTED = " OR ".join(f"({COUNTED[f'checkup_{age}_target'].where})" for age in ("3to5m", "18m", "3y"))

RULES: dict[str, OutreachRule] = {
    rule.id: rule
    for rule in (
        OutreachRule(
            "epds_followup", "EPDS高得点", "EPDS follow-up",
            "分娩から6か月までに、EPDSの合計が9点以上または項目10が1点以上で、その日以後に訪問・相談・産後ケア・紹介の記録がないもの。",
            "EPDS total of 9 or more, or item 10 of 1 or more, within 6 months of the delivery, and no visit, consultation, "
            "care or referral on record on that day or later.",
            "14日以内に保健師が連絡し、必要なら精神科・産科につなぐ。項目10が1点以上ならその日のうちに。",
            "A nurse makes contact within 14 days, with psychiatry or obstetrics where needed; item 10: the same day.",
            priority="highest", grain="screen",
            population=COUNTED["epds_complete"].where,
            condition=f"(({COUNTED['epds_high'].condition}) OR epds_item_10 >= 1) AND contact_date IS NULL AND visit_date <= as_of "
            "AND as_of <= delivery_date + INTERVAL 6 MONTH",
            month="visit_date", records=("postpartum_visit",), beside=("home_visit", "consultation", "postpartum_care"),
            reached="contact_date IS NOT NULL",
        ),
        OutreachRule(
            "late_notification", "遅い妊娠届出", "late notification",
            "新規の妊娠届出のうち、届出時期が満20週以降または分娩後で、基準日までの30日以内に届け出たもの。",
            "New notifications filed at 20 weeks or later, or after delivery, within 30 days up to the day.",
            "7日以内に面談し、支援の要否を確かめる。", "Interview within 7 days; is support needed?",
            priority="high", grain="notification",
            population=COUNTED["new_notifications"].where,
            condition="notification_stage_code IN ('3', '4', '5') AND as_of - notified_date BETWEEN 0 AND 30",
            month="notified_date", records=("pregnancy_notification",),
            reached="last_contact_date >= notified_date",
        ),
        OutreachRule(
            "no_antenatal_visit", "妊婦健診の中断", "no antenatal visit",
            "妊娠中(満12週以後、出産予定日の14日後まで)で、最後の妊婦健診(なければ届出)から24週未満は6週、"
            "24～35週は4週、36週以後は2週を超えて受診の記録(結果または費用)がないもの。",
            "Pregnant (12 weeks to 14 days past the due date) and no visit on record, by result or by cost, since the last "
            "one (else the notification) for more than 6 weeks before 24 weeks, 4 at 24 to 35, 2 from 36 on.",
            "流産・中絶は記録にないことがある。記録と医療機関で確かめてから電話する。",
            "A loss may not be on record: check records and facility, then call.",
            priority="high", grain="pregnancy",
            population="delivery_date IS NULL AND notified_date IS NOT NULL",
            condition=f"{WEEKS} >= 12 AND due_date >= as_of - 14 AND as_of - greatest(notified_date, last_visit_date) > "
            f"CASE WHEN {WEEKS} < 24 THEN 42 WHEN {WEEKS} < 36 THEN 28 ELSE 14 END",
            month="greatest(notified_date, last_visit_date)", records=("pregnancy_notification", "antenatal_visit"),
            fresh=("antenatal_visit", 35),
        ),
        OutreachRule(
            "due_date_passed", "出産予定日の経過", "due date passed",
            "出産予定日から21日を過ぎても、出産・出生・転出の記録がないもの。",
            "More than 21 days past the due date without a record of delivery, birth or move.",
            "まず記録と医療機関で確かめる。本人への自動的な連絡はしない(喪失のおそれ)。",
            "Check records and facility first; never an automatic message (a loss is possible).",
            priority="high", grain="pregnancy",
            population="delivery_date IS NULL AND notified_date IS NOT NULL",
            condition="due_date + 21 < as_of", month="due_date", records=("pregnancy_notification",),
        ),
        OutreachRule(
            "referral_not_completed", "精密健診の未受診", "referral not completed",
            "健診で要紹介(116=4,5)または精密健診の依頼から60日、聴覚の確認検査がリファーなら生後60日を過ぎ、受診・結果の記録がないもの。",
            "Referred by a checkup (116 = 4, 5) or for a detailed examination 60 days ago or more, or 60 days old after a "
            "confirming hearing test not passed, and no examination or result on record.",
            "電話し、予約を手伝う。聴覚は生後3か月までの受診が目安。",
            "Call, and help with the booking; for hearing the aim is an examination by 3 months.",
            priority="high", grain="referral",
            population="TRUE",
            condition="NOT is_examined AND as_of - referred_date >= 60",
            month="referred_date", records=("child_checkup", "detailed_exam"), beside=("newborn_screening",),
            reached="is_examined",
        ),
        OutreachRule(
            "eighth_month_no_answer", "妊娠8か月の面談なし", "no contact around month 8",
            "妊娠中で満30～35週、満28週以後に妊婦としての相談・訪問の記録がないもの(案内の記録がないため、案内は満28週とみなし14日待つ。要確認)。",
            "Pregnant at 30 to 35 weeks and no consultation or visit of the pregnant woman on record since 28 weeks (invitations "
            "are not on record: taken as sent at 28 weeks, and 14 days are waited).",
            "アプリ・手紙で案内し、21日で電話する。",
            "App or letter, a call after 21 days.",
            priority="mid", grain="pregnancy",
            population="delivery_date IS NULL AND notified_date IS NOT NULL",
            condition=f"{WEEKS} BETWEEN 30 AND 35 AND (last_contact_date IS NULL OR last_contact_date < due_date - 84)",
            month="due_date", records=("pregnancy_notification",), beside=("consultation", "home_visit"),
        ),
        OutreachRule(
            "postpartum_check_missed", "産婦健診の未受診", "postpartum check missed",
            "妊娠22週以後に分娩し、45日以上1年未満、産婦健診(2週間・1か月)の受診の記録がないもの。県外での分娩"
            "(里帰りの近似)は75日以上。",
            "Delivered at 22 weeks or later, 45 days to a year ago, without a 2-week or 1-month check on record; after a "
            "delivery outside the prefecture (in place of 里帰り) from 75 days on.",
            "産後ケアを案内し、訪問時にEPDSを行う。", "Offer postpartum care; EPDS at the visit.",
            priority="mid", grain="pregnancy",
            population=COUNTED["deliveries_22w"].where,
            condition="NOT is_seen_postpartum AND delivery_date + INTERVAL 1 YEAR > as_of "
            "AND as_of - delivery_date >= CASE WHEN is_delivered_outside THEN 75 ELSE 45 END",
            month="delivery_date", records=("postpartum_visit",),
            reached="is_seen_postpartum",
        ),
        OutreachRule(
            "infant_visit_due", "乳児家庭全戸訪問の期限", "infant visit due",
            "生後60日以後4か月未満で、児に会えた訪問の記録がなく、里帰り先への依頼も返事待ちでないもの。100日からは急ぐ。",
            "60 days old or more, under 4 months, not met at a home visit, and no request to the place of 里帰り waiting for its "
            "reply; urgent from 100 days on.",
            "訪問する。4か月で会えなければこども家庭センターへ。",
            "Visit; not met at 4 months: to the children and families centre.",
            priority="mid", grain="child",
            population="birth_date IS NOT NULL",
            condition="NOT is_visited AND NOT waits_for_satogaeri AND as_of - birth_date >= 60 AND as_of < birth_date + INTERVAL 4 MONTH",
            month="birth_date", records=("home_visit",), beside=("information_request",),
            reached="is_visited",
        ),
        OutreachRule(
            "checkup_not_attended", "乳幼児健診の未受診", "checkup not attended",
            "対象者名簿にあり(除外を除く)、健診予定月の末日から30日を過ぎ、どの経路でも受診の記録がなく、"
            "対象期間が終わっていないもの。",
            "On the target list (not removed), more than 30 days past the end of the scheduled month, not seen through any "
            "feed, and the window still open.",
            "案内、電話、訪問(目視)の順。所在が分からないときはこども家庭センターへ。",
            "Letter, call, then a visit with sighting; to the children and families centre where nobody knows.",
            priority="mid", grain="checkup_list",
            population=LISTED,
            condition="NOT is_seen AND last_day(scheduled_date) + 30 < as_of AND as_of < window_end",
            month="scheduled_date", records=("child_checkup_target", "child_checkup"),
            reached="is_seen",
        ),
        OutreachRule(
            "vaccination_delay_and_moved_in", "予防接種の遅れ・転入", "vaccination late, or moved in",
            "麻しん風しん1期がない満13か月以後2歳未満、四種・五種混合がない満5か月以後7歳6か月未満、または転入から60日以内で4歳未満、"
            "転入前の健診・接種の記録がなく、情報照会が未了(未送付、または14日を超えて返事なし)のもの。",
            "No measles-rubella dose at 13 months to under 2 years, none of DPT-IPV(-Hib) at 5 months to under 7 years 6 months; "
            "or moved in within 60 days, under 4 years, nothing known of checkups or doses from before, and the request for them "
            "not sent or without a reply for more than 14 days.",
            "接種を案内する。転入は前の市区町村に照会し、健診に招く。",
            "Remind of the doses; after a move ask the municipality before, and invite.",
            priority="mid", grain="child",
            population="birth_date IS NOT NULL",
            condition=DELAYED,
            month="as_of", records=("vaccination", "child_checkup"), beside=("information_request",),
            reached=f"NOT coalesce({DELAYED}, FALSE)",
        ),
    )
}  # fmt: skip

COUNTED_RULE = Breakdown(
    "rule", "支援の規則", "rule of outreach", "rule_id",
    tuple(Category(rule.id, rule.label_ja, rule.label_en) for rule in RULES.values() if rule.reached),
    lowest_level="prefecture",
)  # fmt: skip
AFTER_THE_QUARTER = (
    6  # months: a quarter waits for the next one to end before its counts leave, and then for its parcel
)

COUNTS = (
    Count(
        "outreach_listed", "支援の名簿に載った件数", "lines on the lists of outreach",
        grain="outreach", subject="event", counting="event", basis="fiscal_year",
        sensitivity=Sensitivity.S2, is_sensitive=True, mature_after_months=AFTER_THE_QUARTER, population="TRUE",
    ),
    Count(
        "outreach_reached", "名簿に載り、支援が届いた件数", "lines reached",
        grain="outreach", subject="event", counting="event", basis="fiscal_year",
        sensitivity=Sensitivity.S2, is_sensitive=True, mature_after_months=AFTER_THE_QUARTER, population="TRUE",
        condition="is_reached", within="outreach_listed",
    ),
)  # fmt: skip

SUMS = ()

INDICATORS = (
    Indicator(
        "outreach_reached_rate", "proportion", "プッシュ型支援 到達率", "Outreach: reached among listed",
        "市区町村の支援の名簿に載った件数(規則ごとに最初に載ったとき1件、その四半期の件数を送った後も載っていれば改めて1件。除く事由のあるものを除く)のうち、次の四半期の"
        "末までに、足りなかった受診・訪問・相談・接種の記録ができたものの割合(名簿の基準日の年度別)。",
        "Share of the lines on the towns' lists of outreach (one per rule when somebody first comes on it, one more where they still stand there when its quarter was told) for "
        "which the visit, talk, examination or dose that was missing is on record by the end of the next quarter, by fiscal "
        "year of the list's day.",
        numerator="outreach_reached", denominator="outreach_listed", unit="%", direction="higher",
        official_source="公的統計なし(本データベースの定義。要確認)",
        caution_ja="件数であり人数ではない。名簿を作り、件数を覚えた市区町村だけ。流産・死産のおそれのある規則"
        "(妊婦健診の中断、予定日の経過、8か月)と、支援措置の世帯は数えない。支援の結果とは限らない。",
        caution_en="Lines, not people, and only of municipalities that keep their lists' counts. Rules whose list may hold a lost "
        "pregnancy, and protected households, are not counted. What came need not be due to the outreach.",
        breakdowns=(COUNTED_RULE,), lowest_level="prefecture", lowest_level_pooled="prefecture",
    ),
)  # fmt: skip
