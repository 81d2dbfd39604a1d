"""What openpyxl takes without a word and what no row may be lost to, refused before it reads: one pass over a part.

A formula whose value was never worked out comes as an empty cell, and of a row or cell that is numbered like an earlier
one only one is given. A flag of a protected person may be that cell.
"""

from typing import IO
from xml.parsers.expat import ParserCreate, XMLParserType

from pipelines.edge.workbook.unreadable import Unreadable

MOST_ROWS = 1_048_576  # a sheet has no more
MOST_ELEMENTS = 1 << 22  # of a part: the library keeps a trace of each
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main "
ROW, CELL, FORMULA, VALUE = (MAIN + name for name in ("row", "c", "f", "v"))


def refuse_what_is_passed_over(part: IO[bytes]) -> None:
    """Reads a part as a stream. Raises Unreadable, ExpatError."""
    _Pass().parser.ParseFile(part)


class _Pass:
    def __init__(self) -> None:
        self.parser: XMLParserType = ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._entities
        self.elements = self.row = 0
        self.cells: set[str] = set()
        self.has_formula = self.is_worked_out = self.is_text = False

    def _entities(self, *_: object) -> None:
        """Entities can blow a few bytes up to many; a part may hold none (ISO/IEC 29500-2, 8.1.4)."""
        raise Unreadable("not_workbook")

    def _start(self, name: str, said: dict[str, str]) -> None:
        self.elements += 1
        if self.elements > MOST_ELEMENTS:
            raise Unreadable("too_large")
        if name == CELL:
            self._cell(said)
        elif name == FORMULA:
            self.has_formula = True
        elif name == VALUE and self.has_formula:
            self.is_worked_out = self.is_text  # an empty text is a value: =IF(B2="","",B2)
            self.parser.CharacterDataHandler = self._letters
        elif name == ROW:
            self._row(said)

    def _row(self, said: dict[str, str]) -> None:
        number = int(float(said["r"])) if "r" in said else self.row + 1
        if number <= self.row:
            raise Unreadable("not_workbook")
        if number > MOST_ROWS:
            raise Unreadable("too_large")
        self.row = number
        self.cells.clear()

    def _cell(self, said: dict[str, str]) -> None:
        self.has_formula = self.is_worked_out = False
        self.is_text = said.get("t") == "str"
        place = said.get("r", "").upper()
        is_mixed = bool(self.cells) and ("" in self.cells) != (not place)  # a cell without a place takes the next one
        if is_mixed or (place and place in self.cells):
            raise Unreadable("not_workbook")
        self.cells.add(place)

    def _letters(self, text: str) -> None:
        self.is_worked_out |= bool(text.strip())

    def _end(self, name: str) -> None:
        if name == VALUE:
            self.parser.CharacterDataHandler = None
        elif name == CELL and self.has_formula and not self.is_worked_out:
            raise Unreadable("formula")
