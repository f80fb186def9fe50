"""What a model's card says, field by field: the template that every card fills in.

A card is written once, when the model is trained, and never changed; its hash is part of the promotion that made the
model champion. A test holds these lists against the card of a real training.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the card: its question, and the fields that answer it with what each says."""

    zh: str
    en: str
    fields: tuple[tuple[str, str], ...]


SECTIONS: tuple[Section, ...] = (
    Section(
        "用途",
        "what it is for",
        (
            ("target", "what it forecasts"),
            ("meaning", "what counts as bad, within which time"),
            ("use", "predictive, or concurrent where the outcomes that taught it carry no date"),
            ("horizon_months", "how far ahead the probability looks; empty where each contract has its own"),
            ("tier", "the kind of data it reads; scoring across kinds is refused"),
            ("row", "what one row is: a draw or a contract"),
            ("window", "until when a row is watched"),
            ("observed", "on which evening the features of a row are taken"),
            ("dated", "whether the outcomes carry dates"),
        ),
    ),
    Section(
        "训练数据",
        "what taught it",
        (
            ("as_of", "the last day whose events it knew"),
            ("rows", "how many rows taught it"),
            ("suppliers", "of how many firms"),
            ("groups", "in how many groups of connected firms; none stands on both sides of a split"),
            ("bad", "how many rows went bad"),
            ("base_rate", "their share"),
            ("yearly", "the same by year of opening"),
            ("cohorts", "the months of opening that are used, and what is still open in them"),
            ("window_days", "how long rows were watched"),
            ("set_aside", "rows that teach nothing, by reason"),
            ("data", "the version of the ledger, and a fingerprint of the very frame"),
            ("features", "the columns, in the order in which they are read"),
            ("directions", "which way risk goes with each; the model is held to it"),
            ("catalogue_sha256", "the hash of the whole catalogue of features"),
            ("definitions", "the hash of each feature's definition"),
        ),
    ),
    Section(
        "方法",
        "how it was made",
        (
            ("settings", "the settings of each bag of trees"),
            ("taught_as", "whether a linear half stands beside the trees, and settings that were searched"),
            ("mix", "how the halves are weighed on the log-odds"),
            ("terms", "the dated parameters of training on that day (training.toml)"),
            ("recent", "what the newest rows say the level is, and by how much the model was moved to it"),
            ("anchor", "the long-run level that prices stand on, and where it comes from"),
            ("reference", "the firms that explanations compare with"),
            ("scorecard", "the points of the scorecard that was taught beside it, where its extra is installed"),
            ("model_sha256", "the hash of the model's own text"),
            ("held_sha256", "the hash of the rows that taught it with their out-of-fold probabilities"),
        ),
    ),
    Section(
        "表现",
        "how well it does",
        (
            ("metrics", "each measure out of fold with a 95 % interval, beside each peer on the same folds"),
            ("calibration", "what was forecast beside what happened, out of fold"),
            ("out_of_time", "the same of years that were forecast by what was known before them"),
            ("reject_inference", "what it would be were those who were refused like or unlike those who borrowed"),
        ),
    ),
    Section(
        "责任",
        "who answers for it",
        (
            ("author", "who trained it, and may not approve it"),
            ("trained_at", "when, UTC"),
            ("mlflow", "its run and version on the tracking server"),
        ),
    ),
)
