"""What a clerk can do about each rule that a row or a file breaks; a vendor's word for what only the export can mend."""

AT_THE_SCREEN = (
    "行番号の記録を業務システムで確かめて直し、もう一度出力してください。",
    "Find the record in the system, correct it there, and export again.",
)
IN_THE_EXPORT = (
    "出力の設定の問題です。業務システムの事業者に、この報告を渡してください。",
    "A setting of the export: give this report to the vendor of the system.",
)
EXPORT_AGAIN = (
    "途中で切れた、または表計算ソフトで保存し直したファイルです。業務システムからもう一度出力してください。",
    "Cut short, or saved again by a spreadsheet: export it from the system once more.",
)
WITHOUT_NUMBERS = (
    "個人番号の列を除いて出力し直し、このファイルは手順に従って消してください。",
    "Export without the column, and delete this file as your rules ask.",
)
ONE_IS_ENOUGH = (
    "同じ記録が2回出力されています。最初の行は受け付けました。二重の登録がないか確かめてください。",
    "The same record came twice; the first was taken. Look for a double entry.",
)
TO_THE_OTHER_TOWN = (
    "住所地が別の市区町村の記録です。転出・転入の入力を確かめてください。この市区町村の提出には入れません。",
    "The record of another municipality: check the move; it does not belong to this submission.",
)

IN_THE_WORKBOOK = (
    "Excelでブックを開いて直し、保存し直してください。",
    "Open the workbook in Excel, correct it, and save it again.",
)

ADVICE = {
    "ragged": EXPORT_AGAIN, "json": EXPORT_AGAIN, "empty_file": EXPORT_AGAIN, "not_a_list": EXPORT_AGAIN,
    "encoding": IN_THE_EXPORT, "column_missing": IN_THE_EXPORT, "column_twice": IN_THE_EXPORT, "unknown_item": IN_THE_EXPORT,
    "not_in_version": IN_THE_EXPORT, "not_workbook": IN_THE_WORKBOOK, "password": IN_THE_WORKBOOK,
    "too_large": IN_THE_WORKBOOK, "formula": IN_THE_WORKBOOK, "no_sheet": IN_THE_WORKBOOK, "hidden_sheet": IN_THE_WORKBOOK,
    "cell_error": IN_THE_WORKBOOK, "sum": IN_THE_WORKBOOK,
    "form_flag": IN_THE_EXPORT, "my_number": WITHOUT_NUMBERS, "duplicate_key": ONE_IS_ENOUGH,
    "other_municipality": TO_THE_OTHER_TOWN, "not_fhir": EXPORT_AGAIN, "resource": IN_THE_EXPORT, "shape": IN_THE_EXPORT,
    "deep": IN_THE_EXPORT, "unit": IN_THE_EXPORT, "answer": IN_THE_EXPORT,
}  # fmt: skip


def advice(rule: str) -> tuple[str, str]:
    """What to do (ja, en); a rule of a value is mended where the value was typed in."""
    return ADVICE.get(rule, AT_THE_SCREEN)
