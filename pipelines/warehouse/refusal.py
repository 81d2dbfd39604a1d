"""Why a parcel is refused: a reason code with its sentence. A refusal tells nothing of what the centre holds of people."""

REASONS: dict[str, tuple[str, str]] = {
    "not_a_parcel": ("提出物の形をしていません。", "It does not have the form of a parcel."),
    "truncated": ("途中で切れています。もう一度送ってください。", "It is cut short. Send it again."),
    "altered": ("中身が送付時と一致しません。もう一度送ってください。", "Its content is not what was sealed. Send it again."),
    "too_large": ("大きさが上限を超えています。年度を分けて送ってください。", "It is larger than allowed. Send fewer years at a time."),
    "unlisted_entry": ("一覧にない、または重複する中身があります。", "It holds an entry that is unlisted or there twice."),
    "unknown_format": ("書式の版が受け入れられません。mchdb を更新してください。", "Its format version is not accepted. Update mchdb."),
    "unknown_record": ("受け入れられない記録または版があります。", "It holds a record or record version that is not accepted."),
    "unknown_feed": ("受け入れられないフィードがあります。", "It holds a feed that is not accepted."),
    "unknown_key_version": ("鍵の版が受け入れられません。", "Its key version is not accepted."),
    "unknown_canon_version": ("正規化の版が受け入れられません。", "Its canonicalization version is not accepted."),
    "retired_version": (
        "鍵または正規化の版が使われなくなっています。新しい版で送ってください。",
        "Its version of the key or of the canonical forms is retired. Send the new version.",
    ),
    "bridge_not_open": (
        "二つの版のトークンがありますが、その橋渡し期間ではありません。--bridge-from を付けずに送ってください。",
        "It holds tokens of two versions, but no bridging period between them is open. Send it without --bridge-from.",
    ),
    "other_recipient": ("別の受取人に宛てられています。", "It is sealed to another recipient."),
    "unknown_submitter": ("登録簿にない提出者です。", "Its submitter is not in the registry."),
    "bad_signature": ("署名が登録された鍵と一致しません。", "Its signature does not match the registered key."),
    "out_of_scope_municipality": ("登録簿にない市区町村を含みます。", "It holds a municipality outside the registry's scope."),
    "out_of_scope_record": ("登録簿にない記録を含みます。", "It holds a record outside the registry's scope."),
    "out_of_scope_period": ("登録簿にない年度を含みます。", "It holds a fiscal year outside the registry's scope."),
    "malformed_table": ("表が記録の宣言と一致しません。", "A table does not match the declaration of its record."),
    "members_differ": ("二つの封の目録が一致しません。", "The manifests of its two members differ."),
    "replay": ("すでに適用した提出物です。", "It has been applied already."),
    "stale_sequence": ("送付番号が適用済みの番号以下です。", "Its sequence number is not above the last one applied."),
    "broken_chain": (
        "直前に適用した提出物に続いていません。間の提出物を番号の順に送ってください。",
        "It does not follow the last parcel applied. Send the parcels in between, in order.",
    ),
}  # fmt: skip


class Refused(Exception):
    """A parcel that is not used; `reason` is a key of REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sentence_ja, self.sentence_en = REASONS[reason]
