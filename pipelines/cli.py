"""The commands: arguments only. Each one hands over to a function of its station, imported when it is called."""

import json
import os
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

if TYPE_CHECKING:
    from pipelines.records.linkage import LinkageVersion

USAGE, UNEXPECTED, DISK = 64, 70, 74
# Polars' allocator (jemalloc, on Linux) gives memory back after half a second and fetches it again, page by page, in
# the next step; ten seconds bridge the steps. Read once, when Polars is loaded; processes begun from here inherit it.
ALLOCATOR = "_RJEM_MALLOC_CONF"
BRIDGES_STEPS = "background_thread:false,dirty_decay_ms:10000,muzzy_decay_ms:10000"
# A town hall's machine is small: what a step of the edge lets go does go back. One arena, and large pieces in it, so that
# a step takes what the step before let go, whatever thread it ran on (a third of the pages less to fetch).
GIVES_BACK = "narenas:1,oversize_threshold:0,background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0"

# Threads of BLAS stall on the short vectors of the audits (measured: ten times as long).
BLAS = ("OPENBLAS_NUM_THREADS", "1")

app = typer.Typer(
    name="mchdb", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="母子保健の匿名化された地域統計 / anonymized maternal-child health indicators for Japan",
)  # fmt: skip
edge = typer.Typer(no_args_is_help=True, help="提出元の内側 / inside the source: check and send")
period = typer.Typer(no_args_is_help=True, help="年度の開閉 / open and close a fiscal year")
app.add_typer(edge, name="edge")
app.add_typer(period, name="period")
bridge = typer.Typer(no_args_is_help=True, help="版の橋渡し / the one bridging period between two key versions")
app.add_typer(bridge, name="bridge")

KeyDirectories = Annotated[
    list[Path],
    typer.Option("--keys", help="鍵の種類ごとのフォルダ(くり返し可) / one directory per kind of key; repeatable"),
]
ProtectedList = Annotated[
    Path, typer.Option("--protected", help="支援措置対象者の一覧(空でも必須) / protected people; may be empty")
]
OwnHeadings = Annotated[
    Path | None,
    typer.Option(
        "--layout",
        help="自治体独自の見出し(合成と同じCSV) / own headings of the municipal CSV, as mchdb synth takes them",
    ),
]
StateIfAny = Annotated[
    Path | None,
    typer.Option("--state", help="送付の状態(以前の提出も考えに入れる) / takes earlier deliveries into account"),
]
LocalKey = Annotated[
    list[Path] | None,
    typer.Option("--keys", help="--state と一緒に、local の鍵のフォルダ / with --state: directory of the local key"),
]
RunLog = Annotated[
    Path | None,
    typer.Option(
        "--log", help="実行記録に書き足す(セキュリティ担当者用) / appends to a run log for the security officer"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="要約をJSONで標準出力へ / a summary as JSON on stdout")]
Seed = Annotated[int, typer.Option(min=0, help="乱数の種 / seed")]
Prefectures = Annotated[str | None, typer.Option(help="都道府県コード、または all / prefecture codes, or all")]
FiscalYears = Annotated[str, typer.Option(help="年度の範囲 / span of fiscal years, e.g. 2022-2024")]
PolicyId = Annotated[str, typer.Option("--policy", help="公表基準 / publication policy")]


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="出力先 / where everything is put")] = Path("demo"),
    prefectures: Prefectures = "17,31,47",
    seed: Seed = 1,
    serve: Annotated[
        bool, typer.Option(" /--no-serve", help="画面を出さずに終わる / end without the dashboards")
    ] = True,
    port: Annotated[int, typer.Option(help="画面のポート / port of the dashboards")] = 8501,
    jobs: Annotated[int, typer.Option(min=1, help="並列数 / processes")] = 2,
) -> None:
    """合成データで全行程を通す / the whole way on a synthetic cohort, then the dashboards."""
    from pipelines.demo import run_demo

    run_demo(out, tuple(str(prefectures).split(",")), seed=seed, jobs=jobs)
    if serve:
        from dashboards.launch import launch

        launch(out / "published.duckdb", port)


@app.command()
def synth(
    out: Path,
    births: Annotated[int | None, typer.Option(min=1, help="出生数 / number of births")] = None,
    prefectures: Prefectures = None,
    municipality: Annotated[str | None, typer.Option(help="市区町村コード6桁 / code of one municipality")] = None,
    fiscal_years: FiscalYears = "2022-2024",
    seed: Seed = 1,
    faults: Annotated[
        str,
        typer.Option(help="誤りの混ぜ方: none, typical, heavy, またはファイル / profile of faults, or a file (.toml)"),
    ] = "typical",
    layout: Annotated[
        Path | None,
        typer.Option(help="自治体独自の項目配置 / own headings: CSV record,header,field[,conversion]"),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="utf-8, utf-8-sig, cp932")] = None,
    only: Annotated[
        int | None,
        typer.Option(min=0, help="この entity_id の周りだけを作る / make nothing but the column of this entity_id"),
    ] = None,
    records: Annotated[
        str | None,
        typer.Option(help="送る記録だけを、カンマ区切りで / records to send, by commas; all that there are facts for"),
    ] = None,
    others: Annotated[
        str,
        typer.Option(
            "--also", help="加えて送るシステム: ehr,handbook,claims,requests,layout,excel / feeds sent besides"
        ),
    ] = "",
    jobs: Annotated[int, typer.Option(min=1, help="並列数 / processes")] = 2,
    as_json: AsJson = False,
) -> None:
    """合成コホートを各システムの形式で作る / make a synthetic cohort in the real feed formats, with its answer key."""
    from synthetic.cohort import make_cohort
    from synthetic.progress import shown

    codes = None if prefectures is None else () if prefectures == "all" else tuple(prefectures.split(","))
    with shown() as progress:
        done = make_cohort(
            out, prefectures=codes, births=births, fiscal_years=_span(fiscal_years), seed=seed, faults=faults, jobs=jobs,
            municipality=municipality, layout=layout, encoding=encoding, only=only, progress=progress,
            records=None if records is None else records.split(","),
            others=tuple(name for name in others.split(",") if name),
        )  # fmt: skip
    _tell(done, as_json)
    raise typer.Exit(0 if done.is_calibrated else 1)


@app.command()
def keys(
    kind: Annotated[
        str, typer.Argument(help="edge | local | submitter | receiver | linkage | centre | load | warehouse")
    ],
    directory: Path,
    version: Annotated[int, typer.Option(min=1, help="鍵の版 / version of the key")] = 1,
    recipients: Annotated[list[Path] | None, typer.Option(help="受取人の公開鍵 / .pub of linkage and load")] = None,
) -> None:
    """鍵を作る / make a key; one kind in one directory."""
    from pipelines.keys import create

    for path in create(kind, directory, version, tuple(recipients or ())):
        print(path)


@app.command("seal-key")
def seal_key(
    directory: Annotated[Path, typer.Argument(help="edge の鍵のフォルダ / directory of the edge key")],
    receiver: Annotated[
        Path, typer.Option("--for", exists=True, help="提出者の受取鍵 / receiver-<v>.pub of a submitter")
    ],
    out: Annotated[Path, typer.Option(help="封緘した鍵の出力先 / where the sealed key is put")],
    version: Annotated[int | None, typer.Option(min=1, help="鍵の版(省くと最新) / version; the newest one")] = None,
) -> None:
    """edge の鍵を提出者に宛てて封緘する / seal the edge key to a submitter."""
    from pipelines.key_delivery import seal_edge_key
    from pipelines.keys import fingerprints

    done = seal_edge_key(directory, receiver, out, version)
    told = fingerprints([directory])[f"edge-{done.version}"]
    print(f"{done.path}: edge {done.version}; edge の鍵の指紋 / fingerprint of the edge key {told}")
    print(f"受取鍵の指紋 / fingerprint of the receiver {done.fingerprint}")


@app.command("unseal-key")
def unseal_key(
    sealed: Annotated[Path, typer.Argument(exists=True, help="封緘した鍵 / the sealed key")],
    receiver: Annotated[Path, typer.Option("--keys", help="受取鍵のフォルダ / directory of the receiver key")],
    into: Annotated[Path, typer.Option(help="edge の鍵を置くフォルダ / directory where the edge key is kept")],
) -> None:
    """封緘された edge の鍵を開けて置く / open a sealed edge key and keep it."""
    from pipelines.key_delivery import unseal_edge_key
    from pipelines.keys import fingerprints

    kept = unseal_edge_key(sealed, receiver, into)
    print(kept)
    print(
        "誰でも封緘できるので、使う前に鍵の指紋を鍵の管理者に電話などで確かめてください / anybody can seal: compare the "
        f"fingerprint of the key with the key holder's by another way before it is used: {fingerprints([into])[kept.stem]}"
    )


@app.command()
def init(
    warehouse: Path,
    key_directories: KeyDirectories,
    registry: Annotated[Path, typer.Option(exists=True, help="提出者の登録簿 / registry of submitters (CSV)")],
    ledger: Annotated[
        Path | None,
        typer.Option(
            help="公表台帳。なければ作る。省くと倉庫の隣 / ledger of releases, begun when absent; beside W when left out"
        ),
    ] = None,
) -> None:
    """倉庫と公表台帳を用意する / create the encrypted warehouse and the ledger."""
    from pipelines.conduct import init_warehouse

    for path in init_warehouse(warehouse, key_directories, registry, ledger):
        print(path)


@edge.command("check")
def edge_check(
    feeds: Path,
    out: Annotated[Path | None, typer.Option(help="拒否報告の出力先 / where the refusal report is put")] = None,
    layout: OwnHeadings = None,
    log: RunLog = None,
    as_json: AsJson = False,
) -> None:
    """読んで検査し、拒否報告を出す / read, check, report the refusals."""
    from pipelines.edge.run_log import logged
    from pipelines.edge.send import check_feeds

    with logged(log, "check", feeds) as run:
        done = check_feeds(feeds, out, layout)
        run.exit_code = 1 if done.refused else 0
    _tell(done, as_json)
    raise typer.Exit(1 if done.refused else 0)


@edge.command("send")
def edge_send(
    feeds: Path,
    key_directories: KeyDirectories,
    protected: ProtectedList,
    state: Annotated[Path, typer.Option(help="送付の状態 / sequence number and chain")],
    out: Annotated[Path, typer.Option(help="封緘した提出物の出力先 / where the parcel is put")],
    layout: OwnHeadings = None,
    bridge_from: Annotated[
        str | None,
        typer.Option(
            help="橋渡し期間だけ: 去る版(鍵、または鍵.正規化) / in the bridging period alone: the version left, e.g. 1"
        ),
    ] = None,
    log: RunLog = None,
    as_json: AsJson = False,
) -> None:
    """検査・保護・仮名化・丸め・封緘 / check, protect, pseudonymize, coarsen, seal."""
    from pipelines.edge.run_log import logged
    from pipelines.edge.send import send

    former = None if bridge_from is None else _linkage_version(bridge_from)
    with logged(log, "send", feeds, key_directories) as run:
        done = send(feeds, key_directories, protected, state, out, layout=layout, bridge_from=former)
        run.exit_code = 1 if done.refused else 0
    _tell(done, as_json)
    raise typer.Exit(1 if done.refused else 0)


@edge.command("outreach")
def edge_outreach(
    feeds: Path,
    rule: Annotated[str, typer.Option(help="規則の名前 / name of the rule")],
    as_of: Annotated[str, typer.Option(help="基準日 / the day, YYYY-MM-DD")],
    protected: ProtectedList,
    out: Annotated[Path, typer.Option(help="名簿のCSV(庁内) / the list, inside the town hall")],
    state: StateIfAny = None,
    key_directories: LocalKey = None,
    layout: OwnHeadings = None,
    log: RunLog = None,
    as_json: AsJson = False,
) -> None:
    """支援が必要な人の庁内名簿(宛名番号・規則・月) / the local list of whom to reach: number, rule, month."""
    from pipelines.edge.outreach import outreach
    from pipelines.edge.run_log import logged

    day = _day(as_of)
    keys = key_directories or []
    with logged(log, "outreach", feeds, keys):
        done = outreach(feeds, rule, day, protected, out, layout, state, keys)
    _tell(done, as_json)


@edge.command("summary")
def edge_summary(
    feeds: Path,
    protected: ProtectedList,
    out: Annotated[Path, typer.Option(help="出力先(庁内) / where it is put, inside the town hall")],
    state: StateIfAny = None,
    key_directories: LocalKey = None,
    layout: OwnHeadings = None,
    log: RunLog = None,
    as_json: AsJson = False,
) -> None:
    """自分の町の秘匿前の指標(内部資料) / the town's own unsuppressed indicators, never for publication."""
    from pipelines.edge.run_log import logged
    from pipelines.edge.summary import summarize
    from pipelines.warehouse.core import ORDER, core_sql

    keys = key_directories or []
    with logged(log, "summary", feeds, keys):
        done = summarize(feeds, protected, out, [core_sql(table) for table in ORDER], layout, state, keys)
    _tell(done, as_json)


@app.command()
def load(
    parcels: Path,
    warehouse: Path,
    key_directories: KeyDirectories,
    as_json: AsJson = False,
) -> None:
    """提出物を検証し、二次仮名化して格納する / verify, open, second pseudonym, load, link."""
    from pipelines.warehouse.load import load_parcels

    done = load_parcels(parcels, warehouse, key_directories)
    _tell(done, as_json)
    raise typer.Exit(1 if done.refused else 0)


@period.command("open")
def period_open(year: int, warehouse: Path, key_directories: KeyDirectories) -> None:
    """年度を開く / open a fiscal year."""
    from pipelines.warehouse.period import open_year

    open_year(year, warehouse, key_directories)


@period.command("close")
def period_close(year: int, warehouse: Path, key_directories: KeyDirectories) -> None:
    """年度を閉じる / close a fiscal year: late rows wait for the next revised release."""
    from pipelines.warehouse.period import close_year

    close_year(year, warehouse, key_directories)


@bridge.command("open")
def bridge_open(
    former: Annotated[str, typer.Argument(help="使用中の版: 鍵、または鍵.正規化 / the version in use, e.g. 1")],
    new: Annotated[str, typer.Argument(help="次の版 / the next one, e.g. 2")],
    warehouse: Path,
    key_directories: KeyDirectories,
) -> None:
    """橋渡し期間を始める / begin the bridging period: parcels may carry both versions."""
    from pipelines.warehouse.bridge import open_bridge

    open_bridge(_linkage_version(former), _linkage_version(new), warehouse, key_directories)


@bridge.command("close")
def bridge_close(
    warehouse: Path,
    key_directories: KeyDirectories,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="引き継ぎが足りなくても閉じる / even where too few were carried over")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """橋渡し期間を終え、前の版の仮名を残さない / end it; no pseudonym of the former version stays."""
    from pipelines.warehouse.bridge import close_bridge

    _tell(close_bridge(warehouse, key_directories, anyway=anyway), as_json)


@app.command()
def rekey(warehouse: Path, key_directories: KeyDirectories) -> None:
    """新しい centre の鍵を全ての仮名に重ねる / lay a new centre key over every pseudonym."""
    from pipelines.warehouse.rekey import rekey as lay_over

    version = lay_over(warehouse, key_directories)
    print(f"centre の鍵の版 {version} を重ねました / the centre key, version {version}, lies over every pseudonym")


@app.command()
def backup(warehouse: Path, directory: Path, key_directories: KeyDirectories) -> None:
    """倉庫の控えを取る / a safe copy of the warehouse."""
    from pipelines.warehouse.backup import backup as copy

    copy(warehouse, directory, key_directories)


@app.command()
def restore(directory: Path, warehouse: Path, key_directories: KeyDirectories) -> None:
    """控えから戻す / bring a copy back."""
    from pipelines.warehouse.backup import restore as bring_back

    bring_back(directory, warehouse, key_directories)


@app.command()
def status(warehouse: Path, key_directories: KeyDirectories, as_json: AsJson = False) -> None:
    """届いたもの・届いていないもの / what arrived and what is missing."""
    from pipelines.warehouse.status import status as ask

    _tell(ask(warehouse, key_directories), as_json)


@app.command()
def release(
    warehouse: Path,
    key_directories: KeyDirectories,
    ledger: Annotated[Path, typer.Option(help="公表台帳 / ledger of releases")],
    as_status: Annotated[
        Literal["provisional", "final", "revised"],
        typer.Option("--status", help="速報・確定・改訂 / status of the release"),
    ],
    out: Annotated[
        Path | None, typer.Option(help="公表ファイル(試行以外では必要) / published.duckdb; required unless --dry-run")
    ] = None,
    policy: PolicyId = "standard",
    fiscal_years: FiscalYears = "",
    certificate: Annotated[Path | None, typer.Option(help="証明書も書く / write its certificate there too")] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="何が示されるかだけを調べる / only tell what would be shown; changes nothing"),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """集計・秘匿・監査して公表する / measure, suppress, audit, compare with the ledger, publish."""
    from pipelines.conduct import preview_from, release_from

    years = _span(fiscal_years) if fiscal_years else None
    if dry_run:
        _tell(preview_from(warehouse, key_directories, ledger, as_status, policy, years), as_json)
        return
    if out is None:
        raise typer.BadParameter(
            "--out に公表ファイルを指定してください / --out requires the path of the published file"
        )
    done = release_from(warehouse, key_directories, ledger, out, as_status, policy, years, certificate=certificate)
    _tell(done, as_json)


@app.command()
def audit(
    published: Annotated[Path, typer.Argument(exists=True)],
    ledger: Annotated[Path | None, typer.Option(help="公表台帳 / ledger of releases")] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="公表の証明書を確かめる / check the certificate of the release")
    ] = None,
    certify: Annotated[
        Path | None, typer.Option(help="証明書を作って確かめる / make the certificate, and check it")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """公表ファイルを外部者として攻撃する / attack a release as an outsider would."""
    from pipelines.conduct import audit_file
    from pipelines.conduct import certify as make

    if certify:
        make(published, certify)
    done = audit_file(published, ledger, certificate or certify)
    _tell(done, as_json)
    raise typer.Exit(3 if done.findings else 0)


@app.command()
def export(
    published: Annotated[Path, typer.Argument(exists=True)],
    to: Annotated[Path, typer.Option(help="出力先 / where the tables are put")],
    indicator: Annotated[list[str] | None, typer.Option(help="指標 / indicator; repeatable")] = None,
    level: Annotated[list[str] | None, typer.Option(help="地域の段階 / area level; repeatable")] = None,
    formats: Annotated[str, typer.Option("--format", help="xlsx,csv,parquet")] = "xlsx,csv",
) -> None:
    """公的統計の表として書き出す / official tables with codebook and legend."""
    from pipelines.release.export import export as write

    for path in write(published, to, indicator, level, tuple(formats.split(","))):
        print(path)


@app.command()
def codebook(
    published: Annotated[Path, typer.Argument(exists=True)],
    to: Annotated[Path, typer.Option(help="出力先 / where the pages are put")],
) -> None:
    """記録・計数・指標・公表基準の説明 / records, counts, indicators and policies as pages."""
    from pipelines.release.codebook import codebook as write

    for path in write(published, to):
        print(path)


@app.command()
def dashboard(
    published: Annotated[Path, typer.Argument(exists=True)],
    port: Annotated[int, typer.Option(help="ポート / port")] = 8501,
    boundaries: Annotated[Path | None, typer.Option(exists=True, help="N03境界 / official boundaries")] = None,
) -> None:
    """画面を出す / serve the dashboards."""
    from dashboards.launch import launch

    launch(published, port, boundaries)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            "日付は 2024-06-10 のように書いてください / dates are written like 2024-06-10"
        ) from None


def _linkage_version(text: str) -> "LinkageVersion":
    from pipelines.records.linkage import LinkageVersion

    try:
        return LinkageVersion.parsed(text)
    except ValueError:
        raise typer.BadParameter(
            "版は 2(鍵)または 2.1(鍵.正規化)のように書いてください / a version is written like 2 (key) or 2.1 (key.forms)"
        ) from None


def _span(text: str) -> tuple[int, int]:
    """`2022-2024` or `2024` as first and last fiscal year."""
    first, _, last = text.partition("-")
    if not (first.isdigit() and (last or first).isdigit() and int(first) <= int(last or first)):
        raise typer.BadParameter("年度は 2022-2024 のように書いてください / fiscal years are written like 2022-2024")
    return int(first), int(last or first)


def _tell(done: Any, as_json: bool) -> None:
    """A result as sentences, or as one JSON object; it holds counts and names of files, never a record's value."""
    if as_json:
        print(json.dumps(done.summary(), ensure_ascii=False, default=str))
    else:
        for line in done.lines():
            print(line)


def main() -> NoReturn:
    """Runs a command; every failure is one sentence and an exit code, never a traceback or a library's text."""
    os.environ.setdefault(ALLOCATOR, GIVES_BACK if sys.argv[1:2] == ["edge"] else BRIDGES_STEPS)
    os.environ.setdefault(*BLAS)
    try:
        code = app(standalone_mode=False)
    except Exception as problem:  # noqa: BLE001  the last border: whatever a library says may hold a value
        code = _explained(problem)
    sys.exit(code if isinstance(code, int) else 0)


def _explained(problem: Exception) -> int:
    if os.environ.get("MCHDB_TRACEBACK"):
        raise problem
    if isinstance(code := getattr(problem, "exit_code", None), int) and not hasattr(problem, "format_message"):
        sentences = [getattr(problem, f"sentence_{lang}", "") for lang in ("ja", "en")]
        print("\n".join(s for s in sentences if s), file=sys.stderr)
        return code
    if hasattr(problem, "format_message"):
        print(problem.format_message(), file=sys.stderr)
        return USAGE
    if isinstance(problem, OSError):
        print(
            f"ファイルを読み書きできません / a file could not be read or written: {problem.strerror}", file=sys.stderr
        )
        return DISK
    name = type(problem).__name__
    print(
        f"予期しない誤りで止まりました({name})。データは変わっていません。/ "
        f"Stopped by an unexpected error ({name}); nothing was changed. "
        "MCHDB_TRACEBACK=1 を付けると、開発者向けの詳細が出ます / shows developers the details.",
        file=sys.stderr,
    )
    return UNEXPECTED


if __name__ == "__main__":
    main()
