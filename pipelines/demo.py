"""The whole way on a synthetic cohort, station by station, as its users would walk it, with the time each one took."""

import csv
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.conduct import counted_records, init_warehouse, release_from
from pipelines.declaration import Problem
from pipelines.release.clock import Clock

MARK = ".mchdb-demo"
FISCAL_YEARS = (2022, 2024)
CENTRE_KINDS = ("linkage", "centre", "load", "warehouse")


@dataclass
class Walk:
    """Where the time went, and what was said on the way: counts and names of files, never a record's value."""

    clock: Clock = field(default_factory=Clock)
    said: list[str] = field(default_factory=list)

    @contextmanager
    def station(self, name: str) -> Iterator[None]:
        print(f"… {name}", file=sys.stderr, flush=True)
        with self.clock.stage(name):
            yield

    def say(self, *lines: str) -> None:
        print(*lines, sep="\n")
        self.said += lines

    def tell(self) -> None:
        self.say(*(f"{seconds:7.1f} s  {name}" for name, seconds in self.clock.seconds.items()))
        self.say(f"{sum(self.clock.seconds.values()):7.1f} s  合計 / total")


@dataclass(frozen=True)
class Places:
    """The folders of a demo (design, chapter 6)."""

    out: Path

    @property
    def feeds(self) -> Path:
        return self.out / "cohort" / "feeds"

    @property
    def submitters(self) -> list[str]:
        return sorted(f.name for f in self.feeds.iterdir() if f.is_dir())

    def keys(self, kind: str, code6: str = "") -> Path:
        return self.out / "keys" / code6 / kind if code6 else self.out / "keys" / kind

    def centre_keys(self) -> list[Path]:
        return [self.keys(kind) for kind in CENTRE_KINDS]


def run_demo(out: Path, prefectures: tuple[str, ...], *, seed: int = 1, jobs: int = 2) -> Walk:
    """Cohort, keys, edge, warehouse and release (audited before it appears) into `out`; tells where the time went.

    What is printed also stands in `logs/demo.log`.
    """
    _fresh(out)
    places, walk = Places(out), Walk()
    with walk.station("合成コホート / synthetic cohort"):
        walk.say(*_cohort(places, prefectures, seed, jobs))
    with walk.station("鍵と登録簿 / keys and registry"):
        _keys(places)
        _registry(places)
    with walk.station("提出元: 検査・保護・仮名化・封緘 / edge"):
        walk.say(*_send(places, jobs))
    with walk.station("中央: 開封・二次仮名化・格納・連結 / load and link"):
        walk.say(*_load(places))
    with walk.station("集計・秘匿・監査・公表 / release"):
        walk.say(*_release(places))
    walk.tell()
    _log(places, walk)
    return walk


def _fresh(out: Path) -> None:
    """An empty folder; an earlier demo is replaced, anything else is left alone."""
    if out.exists() and any(out.iterdir()) and not (out / MARK).exists():
        raise Problem(
            "空のフォルダが必要ですが、ほかのものが入っています。--out で別のフォルダを指定してください。",
            "An empty folder is required, but it holds something else; name another one with --out.",
            64,
        )
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / MARK).touch()


def _log(places: Places, walk: Walk) -> None:
    (places.out / "logs").mkdir()
    (places.out / "logs" / "demo.log").write_text("".join(f"{line}\n" for line in walk.said), "utf-8")


def _cohort(places: Places, prefectures: tuple[str, ...], seed: int, jobs: int) -> Iterable[str]:
    from synthetic.cohort import make_cohort

    done = make_cohort(
        places.out / "cohort", prefectures=prefectures, births=None, fiscal_years=FISCAL_YEARS, seed=seed, jobs=jobs,
        records=counted_records(),
    )  # fmt: skip
    return done.lines()


def _keys(places: Places) -> None:
    from pipelines.keys import create

    for kind in (*CENTRE_KINDS, "edge"):
        create(kind, places.keys(kind))
    recipients = tuple(places.keys(kind) / f"{kind}-1.pub" for kind in ("linkage", "load"))
    for code6 in places.submitters:
        create("local", places.keys("local", code6))
        create("submitter", places.keys("submitter", code6), recipients=recipients)


def _registry(places: Places) -> None:
    with (places.out / "registry.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("submitter", "signing_key", "municipality", "record", "from_fy", "to_fy", "is_authority"))
        for code6 in places.submitters:
            public = (places.keys("submitter", code6) / "submitter-1.pub").read_text("utf-8").strip()
            for record in counted_records():
                writer.writerow((code6, public, code6, record, 1990, FISCAL_YEARS[1] + 1, 1))


def _send(places: Places, jobs: int) -> Iterable[str]:
    from pipelines.edge.send import Delivery, SendResult, send_many

    done = send_many(
        [
            Delivery(
                feeds=places.feeds / code6,
                keys=(places.keys("edge"), places.keys("local", code6), places.keys("submitter", code6)),
                protected=places.feeds / code6 / "protected.csv",
                state=places.out / "edge" / code6,
            )
            for code6 in places.submitters
        ],
        places.out / "parcels",
        jobs=jobs,
    )
    for problem in (d for d in done if not isinstance(d, SendResult)):
        raise problem
    sent = [c for d in done if isinstance(d, SendResult) for c in d.counts.values()]
    read, refused, excluded = (sum(getattr(c, n) for c in sent) for n in ("read", "refused", "excluded"))
    return [
        f"{len(done)} 提出者: {read:,} 行を読み、{refused:,} 行を拒否、{excluded:,} 行を対象外 / rows read, refused, excluded"
    ]


def _load(places: Places) -> Iterable[str]:
    from pipelines.warehouse.load import load_parcels

    warehouse = places.out / "warehouse"
    init_warehouse(
        warehouse, [places.keys("warehouse")], places.out / "registry.csv", places.out / "ledger" / "ledger.jsonl"
    )
    done = load_parcels(places.out / "parcels", warehouse, places.centre_keys())
    shutil.copytree(warehouse / "receipts", places.out / "receipts")
    return done.lines()


def _release(places: Places) -> Iterable[str]:
    from pipelines.warehouse.period import close_year

    warehouse, keys = places.out / "warehouse", [places.keys("warehouse")]
    for year in range(FISCAL_YEARS[0], FISCAL_YEARS[1] + 1):
        close_year(year, warehouse, keys)
    done = release_from(
        warehouse, keys, places.out / "ledger" / "ledger.jsonl", places.out / "published.duckdb", "final", "standard",
        FISCAL_YEARS,
    )  # fmt: skip
    return done.lines()
