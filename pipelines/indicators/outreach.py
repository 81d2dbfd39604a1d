"""Who needs to be reached (プッシュ型支援): rules and stops, run inside a town hall on a given day.

A rule counts whom an indicator counts, where there is one: it takes over that count's population. Source of the rules:
reference domain, chapter 7; days and limits there are the project's own proposal (要確認), not a national standard.
"""

from pipelines.declaration import OutreachRule, Stop
from pipelines.indicators import COUNTS

PRIORITIES = ("highest", "high", "mid")

# In this order, and before anything is counted: nobody is written to about a child who died.
STOPS = (
    Stop("deceased", "児または母の死亡", "child or mother deceased", "is_deceased"),
    Stop("loss", "妊娠の喪失", "pregnancy ended in loss", "is_lost"),
    Stop("moved_out", "転出", "moved out", "left_date <= as_of"),
)

WEEKS = (
    "CAST(floor((as_of - due_date + 280) / 7) AS INTEGER)"  # completed weeks on the day; 280 days end at the due date
)
LISTED = " OR ".join(f"({COUNTS[f'checkup_{age}_target'].where})" for age in ("3to5m", "18m", "3y"))

RULES: dict[str, OutreachRule] = {
    rule.id: rule
    for rule in (
        OutreachRule(
            "late_notification", "遅い妊娠届出", "late notification",
            "新規の妊娠届出のうち、届出時期が満20週以降または分娩後で、基準日までの30日以内に届け出たもの。",
            "New notifications filed at 20 weeks or later, or after delivery, within 30 days up to the day.",
            "7日以内に面談し、支援の要否を確かめる。", "Interview within 7 days; is support needed?",
            priority="high", grain="notification",
            population=COUNTS["new_notifications"].where,
            condition="notification_stage_code IN ('3', '4', '5') AND as_of - notified_date BETWEEN 0 AND 30",
            month="notified_date", records=("pregnancy_notification",),
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
            "postpartum_check_missed", "産婦健診の未受診", "postpartum check missed",
            "妊娠22週以後に分娩し、45日以上1年未満、産婦健診(2週間・1か月)の受診の記録がないもの。県外での分娩"
            "(里帰りの近似)は75日以上。",
            "Delivered at 22 weeks or later, 45 days to a year ago, without a 2-week or 1-month check on record; after a "
            "delivery outside the prefecture (in place of 里帰り) from 75 days on.",
            "産後ケアを案内し、訪問時にEPDSを行う。", "Offer postpartum care; EPDS at the visit.",
            priority="mid", grain="pregnancy",
            population=COUNTS["deliveries_22w"].where,
            condition="NOT is_seen_postpartum AND delivery_date + INTERVAL 1 YEAR > as_of "
            "AND as_of - delivery_date >= CASE WHEN is_delivered_outside THEN 75 ELSE 45 END",
            month="delivery_date", records=("postpartum_visit",),
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
        ),
    )
}  # fmt: skip
