"""Every row keeps its physical line; a row that does not fit is refused alone."""

import pytest

from pipelines.edge.csv_rows import heading_cells, rows_of
from pipelines.edge.decode import encoding_of, lines_of


def read(
    content: bytes, encoding: str = "utf-8", width: int = 3
) -> tuple[list[tuple[object, ...]], list[int], list[int]]:
    rows, ragged, undecodable = rows_of(lines_of(content, encoding), width)
    return rows.rows(), ragged, undecodable


def test_rows_carry_their_physical_line_and_empty_is_null() -> None:
    assert read(b"a,b,c\n1,2,3\n4,,\n") == ([(2, "1", "2", "3"), (3, "4", None, None)], [], [])
    assert read(b'a,b,c\r\n1,"",3\r\n') == ([(2, "1", None, "3")], [], [])


def test_a_quoted_newline_does_not_shift_the_lines_below_it() -> None:
    rows, ragged, _ = read(b'a,b,c\r\n1,"x\r\ny,\r\nz",3\r\n4,5,6\r\n')
    assert (rows, ragged) == ([(2, "1", "x\ny,\nz", "3"), (5, "4", "5", "6")], [])


def test_doubled_quotes_are_one() -> None:
    assert read(b'a,b,c\n"x""y",",",""\n')[0] == [(2, 'x"y', ",", None)]


def test_an_empty_cell_in_quotes_is_empty_and_no_other() -> None:
    content = b'a,b,c\n"a""","b,"",c",""\n"","""",""\n1,"x\n,"",y",""\n'
    assert read(content)[0] == [(2, 'a"', 'b,",c', None), (3, None, '"', None), (4, "1", 'x\n,",y', None)]


def test_a_short_and_a_long_row_are_refused_and_their_neighbours_stay() -> None:
    assert read(b"a,b,c\n1,2\n3,4,5\n6,7,8,9\n\n1,1,1\n") == ([(3, "3", "4", "5"), (6, "1", "1", "1")], [2, 4, 5], [])


def test_a_short_last_row_of_a_file_without_a_last_newline_is_refused() -> None:
    assert read(b"a,b,c\n1,2,3\n4") == ([(2, "1", "2", "3")], [3], [])
    assert read(b"a,b,c\n4") == ([], [2], [])
    assert read(b"a,b,c\n1,2,3\n4,5,6") == ([(2, "1", "2", "3"), (3, "4", "5", "6")], [], [])


def test_an_open_quote_swallows_no_row_below_it() -> None:
    rows, ragged, _ = read(b'a,b,c\n1,"2,3\n4,5,6\n7,8,9\n1,x"y,2\n5,5,5\n')
    assert ([r[0] for r in rows], ragged) == ([3, 4, 6], [2, 5])


def test_whole_rows_inside_a_quoted_cell_are_no_rows() -> None:
    rows, ragged, _ = read(b'a,b,c\n1,2,"x\n7,8,9\ny"\n4,5,6\n')
    assert (rows, ragged) == ([(2, "1", "2", "x\n7,8,9\ny"), (5, "4", "5", "6")], [])


def test_one_bad_byte_refuses_one_line() -> None:
    content = (
        "氏名,b,c\n髙﨑①,2,3\n".encode("cp932") + b"\x81\n" + "あ,\x815,6\n".encode("cp932", "replace") + b"1,2,3\n"
    )
    rows, _, undecodable = read(content.replace(b"?5", b"\x81"), "cp932")
    assert rows[0] == (2, "髙﨑①", "2", "3")
    assert rows[-1] == (5, "1", "2", "3")
    assert undecodable == [3, 4]


@pytest.mark.parametrize("bad", [b"\xff", b"\xe3\x81", b"\xed\xa0\x80", b"\xc0\xaf"])
def test_one_bad_byte_in_utf_8_refuses_one_line_of_many(bad: bytes) -> None:
    rows = ["あ,2,3\n".encode()] * 5_000
    rows[4_000] = b"x" + bad + b",2,3\n"
    read_rows, ragged, undecodable = read(b"a,b,c\n" + b"".join(rows))
    assert (ragged, undecodable) == ([], [4_002])
    assert [r[0] for r in read_rows] == [n for n in range(2, 5_002) if n != 4_002]


def test_a_short_and_a_long_row_that_make_up_for_each_other_are_both_refused() -> None:
    rows, ragged, _ = read(b"a,b,c\n" + b"1,2,3\n" * 5_000 + b"1,2\n1,2,3,4\n" + b"1,2,3\n" * 5_000)
    assert ragged == [5_002, 5_003]
    assert len(rows) == 10_000


def test_a_quoted_cell_may_reach_over_stretches_that_look_plain() -> None:
    inside = (b"7" * 400 + b",8,9\n") * 150
    rows, ragged, _ = read(b"a,b,c\n" + b"1,2,3\n" * 4_000 + b'1,2,"x\n' + inside + b'y"\n' + b"4,5,6\n" * 4_000)
    assert ragged == []
    assert [r[0] for r in rows] == [*range(2, 4_003), *range(4_154, 8_154)]
    assert rows[4_000][3] == "x\n" + inside.decode() + "y"


def test_trailing_blank_lines_and_the_old_end_of_file_are_no_rows() -> None:
    assert read(b"a,b,c\n1,2,3\n\n\n\x1a") == ([(2, "1", "2", "3")], [], [])
    assert read(b"a,b,c\n") == ([], [], [])


def test_the_encoding_is_known_by_the_heading_even_with_a_bad_byte_below() -> None:
    encodings = ("utf-8-sig", "utf-8", "cp932")
    knows = lambda line: "氏名" in heading_cells(line.encode())  # noqa: E731
    for encoding, expected in (("cp932", "cp932"), ("utf-8", "utf-8-sig"), ("utf-8-sig", "utf-8-sig")):
        assert encoding_of("氏名,a\nx,1\n".encode(encoding) + b"\xff\xff\n", encodings, knows) == expected
    assert encoding_of("氏名,a\n".encode("utf-16"), encodings, knows) is None
