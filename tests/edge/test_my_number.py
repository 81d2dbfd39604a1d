"""A My Number stops a file by its heading or by how a column is filled; a single hit says nothing."""

import polars as pl
import pytest

from pipelines.edge.my_number import Numbers, is_forbidden_name, numbers_in


def columns_filled_like_one(rows: pl.DataFrame) -> list[str]:
    return [name for name, numbers in numbers_in(rows).items() if numbers.fill_the_column]


BODY_WEIGHTS = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


def number(body: int) -> str:
    """A 12-digit number with its check digit (総務省令第85号 第5条)."""
    digits = f"{body:011d}"
    rest = sum(int(d) * w for d, w in zip(digits, BODY_WEIGHTS, strict=True)) % 11
    return digits + str(0 if rest <= 1 else 11 - rest)


NUMBERS = [number(31415926535 + 7919 * i) for i in range(30)]


def test_the_published_example_holds() -> None:
    assert number(12345678901) == "123456789018"


@pytest.mark.parametrize(
    "name",
    [
        "個人番号",
        "マイナンバー",
        "ﾏｲﾅﾝﾊﾞｰ",
        "myNumber",
        "my_number",
        "MY NUMBER",
        "母の個人番号",
        "法人番号",
        "住民票コード",
    ],
)
def test_forbidden_headings(name: str) -> None:
    assert is_forbidden_name(name)


@pytest.mark.parametrize("name", ["宛名番号", "登録番号", "被保険者証番号", "visitNo", "個人"])
def test_ordinary_headings(name: str) -> None:
    assert not is_forbidden_name(name)


@pytest.mark.parametrize("form", ["{}", "{:.4}-{}", "{:.4} {}", "番号は{}です"])
def test_a_column_filled_like_one_is_found(form: str) -> None:
    cells = [form.format(n) if form.count("{") == 1 else form.format(n, n[4:]) for n in NUMBERS]
    assert columns_filled_like_one(pl.DataFrame({"x": cells, "y": ["1"] * 30})) == ["x"]


def test_full_width_digits_are_found() -> None:
    wide = [n.translate(str.maketrans("0123456789", "０１２３４５６７８９")) for n in NUMBERS]
    assert columns_filled_like_one(pl.DataFrame({"x": wide})) == ["x"]


def test_few_numbers_or_local_numbers_do_not_stop_a_file() -> None:
    assert columns_filled_like_one(pl.DataFrame({"x": NUMBERS[:19]})) == []
    local = [str(313254000000 + i) for i in range(300)]
    longer = [f"{n}1" for n in NUMBERS]
    assert columns_filled_like_one(pl.DataFrame({"x": local})) == []
    assert columns_filled_like_one(pl.DataFrame({"x": longer})) == []


def test_free_text_is_only_counted() -> None:
    notes = ["特記なし", f"番号 {NUMBERS[0]} を確認", "123456789012", "0857-55-0123", None]
    assert numbers_in(pl.DataFrame({"note": notes, "other": notes[:1] * 5})) == {"note": Numbers(met=2, valid=1)}


DIGIT_FORMS = {
    "full-width": "０１２３４５６７８９",
    "circled": "⓪①②③④⑤⑥⑦⑧⑨",
    "raised": "⁰¹²³⁴⁵⁶⁷⁸⁹",
    "bold": "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗",
}


@pytest.mark.parametrize("digits", DIGIT_FORMS.values(), ids=DIGIT_FORMS)
@pytest.mark.parametrize("between", ["", "-", "－", "　", "―"])
def test_digits_of_any_form_are_found(digits: str, between: str) -> None:
    told = [between.join((n[:4], n[4:8], n[8:])).translate(str.maketrans("0123456789", digits)) for n in NUMBERS]
    assert columns_filled_like_one(pl.DataFrame({"x": told})) == ["x"]


@pytest.mark.parametrize(
    "form",
    ["090-1234-5678 {}", "{}　０９０－１２３４－５６７８", "電話090-1234-5678 番号 {}", "2024-05-01 {} 1", "⑨ {}"],
)
@pytest.mark.parametrize("between", ["", "-", " "])
def test_a_number_beside_another_is_found(form: str, between: str) -> None:
    told = [form.format(between.join((n[:4], n[4:8], n[8:]))) for n in NUMBERS]
    found = numbers_in(pl.DataFrame({"x": told}))
    assert found == {"x": Numbers(met=30, valid=30)}


def test_digits_of_other_scripts_stop_nothing() -> None:
    told = ["١٢٣٤٥٦٧٨٩٠١٢", "½ 杯", "第Ⅻ回", "㎡ 12345", f"١٢٣٤٥٦٧٨٩٠١٢、{NUMBERS[0]}"]
    assert numbers_in(pl.DataFrame({"x": told})) == {"x": Numbers(met=1, valid=1)}
