"""The contract of the sheet writer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from campuscore.ports.sheets import Cell, SheetWriter
from campuscore.testing.contract import Contract

__all__ = ["SheetWriterContract"]

_HEAD = ("id", "name", "half", "empty")


class SheetWriterContract(Contract):
    """What ``SheetWriter`` promises of any format. The fixture ``writer`` is a SheetWriter."""

    def test_it_names_its_format(self, writer: SheetWriter) -> None:
        kind, _, subtype = writer.media_type.partition("/")
        assert kind
        assert subtype
        assert writer.suffix.startswith(".")
        assert len(writer.suffix) > 1

    def test_rows_are_read_while_bytes_come_out(self, writer: SheetWriter) -> None:
        taken = 0

        def rows() -> Iterator[Sequence[Cell]]:
            nonlocal taken
            for number in range(100_000):
                taken = number + 1
                yield number, f"name {number * 7919 % 100_003}", number / 2, None

        chunks = writer.write("attendance", _HEAD, rows())
        assert taken == 0
        first = next(iter(chunks))
        assert taken < 100_000
        rest = [len(chunk) for chunk in chunks]
        assert taken == 100_000
        assert max(len(first), *rest) <= 1 << 20

    def test_a_sheet_without_rows_has_its_head(self, writer: SheetWriter) -> None:
        empty = b"".join(writer.write("attendance", (), []))
        headed = b"".join(writer.write("attendance", _HEAD, []))
        assert len(headed) > len(empty)

    def test_rows_make_a_difference(self, writer: SheetWriter) -> None:
        sheets = [
            b"".join(writer.write("attendance", _HEAD, [(1, name, 0.5, None)]))
            for name in ("anna", "bert", "=1+1")
        ]
        assert len(set(sheets)) == 3
