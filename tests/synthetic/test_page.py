"""The page for developers: its command, its layout and its profile work as they stand there."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli import app, main
from synthetic.asked import CannotBeHad
from synthetic.places import chosen, places

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/synthetic-cohorts.md").read_text("utf-8")


def block(kind: str) -> str:
    found = re.search(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    if found is None:
        raise AssertionError(f"no block of {kind or 'commands'} on the page")
    return found[1]


def test_the_page_s_command_makes_about_a_thousand_births(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.csv").write_text(block("csv"), "utf-8")
    Path("own.toml").write_text(block("toml"), "utf-8")
    command = block("").split()[1:]
    assert command[-2:] == ["--faults", "heavy"]
    done = CliRunner().invoke(app, [*command[:-1], "own.toml", "--jobs", "1"])
    assert done.exit_code == 0, done.output
    births = (tmp_path / "OUT/feeds/192015/municipal/birth.csv").read_bytes().decode("cp932").splitlines()
    assert births[0] == "宛名コード,児氏名カナ,出生年月日,出生体重,取消区分"
    assert 950 < len(births) < 1050
    assert (tmp_path / "OUT/truth/answer_key.parquet").exists()


@pytest.mark.parametrize(
    ("given", "meant"), [([], None), (["--prefectures", "all"], ()), (["--prefectures", "17,31"], ("17", "31"))]
)
def test_all_prefectures_are_the_whole_country(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], meant: tuple[str, ...] | None
) -> None:
    asked: dict[str, object] = {}

    def make(out: Path, **arguments: object) -> None:
        asked.update(arguments)
        raise CannotBeHad("。", ".")

    monkeypatch.setattr("synthetic.cohort.make_cohort", make)
    CliRunner().invoke(app, ["synth", str(tmp_path), *given])
    assert asked["prefectures"] == meant
    assert {places().codes[i][:2] for i in chosen(())} == {f"{n:02}" for n in range(1, 48)}


@pytest.mark.parametrize("wrong", [["--layout", "none.csv"], ["--faults", "none.toml"], ["--municipality", "1"]])
def test_what_cannot_be_had_is_exit_64(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wrong: list[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["mchdb", "synth", str(tmp_path / "out"), *wrong])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 64
    ja, en = capsys.readouterr().err.splitlines()
    assert ja.endswith("。") and en.endswith(".")


@pytest.mark.parametrize("readme", ["README.md", "README.ja.md"])
def test_the_page_is_linked_where_vendors_are_addressed(readme: str) -> None:
    (line,) = (line for line in (ROOT / readme).read_text("utf-8").splitlines() if "mchdb synth" in line)
    assert "(docs/synthetic-cohorts.md)" in line
