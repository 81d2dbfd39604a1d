"""Every way in which a count may be broken down; all of them are partitions.

`unknown` (不詳) is a category of its own, so that the parts always add up to the total.
"""

from pipelines.declaration import Breakdown, Category

UNKNOWN = Category("unknown", "不詳", "unknown")

SEX = Breakdown(
    "sex", "児の性別", "sex of the child", "sex_code",
    (Category("1", "男", "boys"), Category("2", "女", "girls"), UNKNOWN),
)  # fmt: skip

AGE5 = Breakdown(
    "age5", "母の年齢(5歳階級)", "mother's age (5 years)", "mother_age_class",
    (
        Category("-19", "19歳以下", "19 and under"),
        *(Category(f"{a}-{a + 4}", f"{a}～{a + 4}歳", f"{a} to {a + 4}") for a in range(20, 45, 5)),
        Category("45-", "45歳以上", "45 and over"),
        UNKNOWN,
    ),
    lowest_level="medical_area",  # below it nine cells of ten would be hidden (measured), and drag others with them
)  # fmt: skip

PARITY = Breakdown(
    "parity", "出生順位", "birth order", "birth_order_class",
    (
        Category("1", "第1子", "first"),
        Category("2", "第2子", "second"),
        Category("3-", "第3子以上", "third and later"),
        UNKNOWN,
    ),
)  # fmt: skip

PLURALITY = Breakdown(
    "plur", "単胎・多胎", "plurality", "plurality_class",
    (Category("1", "単胎", "single"), Category("2-", "多胎", "multiple"), UNKNOWN),
    lowest_level="medical_area",  # two births of a hundred: hidden in nearly every municipality
)  # fmt: skip

NATIONALITY = Breakdown(
    "nat", "住民種別", "resident type", "resident_type_class",
    (Category("1", "日本人住民", "Japanese residents"), Category("2", "外国人住民", "foreign residents"), UNKNOWN),
    lowest_level="prefecture",
)  # fmt: skip

PLACE = Breakdown(
    "place", "分娩の場所", "place of delivery", "place_class",
    (
        Category("municipality", "住所地の市区町村内", "in the municipality of residence"),
        Category("prefecture", "県内の他市区町村", "elsewhere in the prefecture"),
        Category("outside", "県外", "outside the prefecture"),
        UNKNOWN,
    ),
)  # fmt: skip

PROGRAMME = Breakdown(
    "programme", "健診の種類", "checkup programme", "programme_code",
    (
        Category("31", "3～5か月", "3 to 5 months"),
        Category("34", "1歳6か月", "18 months"),
        Category("36", "3歳", "3 years"),
    ),
)  # fmt: skip
