"""Objects of an array with the line they begin on; what cannot be read is refused alone."""

from pipelines.edge.json_rows import Elements, rows_of


def test_objects_carry_their_line_and_only_asked_paths_become_columns() -> None:
    elements = Elements('[\n {"a": "x", "myNumber": "1", "p": {"q": 3, "r": true}},\n\n {"a": "", "p": null}\n]\n')
    rows = rows_of(elements.read(), ["a", "p.q", "p.r"])
    assert rows.rows() == [(2, "x", "3", "true"), (4, None, None, None)]
    assert (elements.broken, elements.is_complete) == ([], True)
    assert "myNumber" in elements.names


def test_a_broken_object_is_refused_and_reading_goes_on_at_the_next_line() -> None:
    elements = Elements('[\n{"a": "1"},\n{"a": "2",},\n{"a": "3"},\n7,\n{"a": "4"}\n]')
    assert [(line, e["a"]) for line, e in elements.read()] == [(2, "1"), (4, "3"), (6, "4")]
    assert (elements.broken, elements.is_complete) == ([3, 5], True)


def test_a_cut_file_is_not_complete() -> None:
    elements = Elements('[{"a": "1"}, {"a": ')
    assert [e["a"] for _, e in elements.read()] == ["1"]
    assert not elements.is_complete
    for text in ("", "{}", "no [", "[1"):
        broken = Elements(text)
        assert list(broken.read()) == []
        assert not broken.is_complete


def test_a_nested_value_in_a_single_place_keeps_no_valid_form() -> None:
    rows = rows_of(Elements('[{"a": {"b": 1}, "n": 2.5, "f": false}]').read(), ["a", "n", "f"])
    assert rows.rows() == [(1, '{"b": 1}', "2.5", "false")]


def test_an_escape_of_half_a_letter_is_a_broken_object_and_a_whole_letter_is_none() -> None:
    elements = Elements('[\n{"a": "\\ud800"},\n{"a": "\\ud83d\\ude00"},\n{"\\udfff": "1"}\n]')
    assert rows_of(elements.read(), ["a"]).rows() == [(3, "\U0001f600")]
    assert (elements.broken, elements.is_complete) == ([2, 4], True)
