"""The error family: what went wrong, where, and what to do next.

Every error has an anchor in docs/errors.md, which is generated from this module, and an exit code. A declined
application is an answer, never an error.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    ANSWERED = 0
    ERROR = 1
    USAGE = 2
    ALL_REJECTED = 3
    IN_PART = 4
    LOCKED = 5
    CHECK_FAILED = 6


EXIT_MEANINGS: dict[Exit, str] = {
    Exit.ANSWERED: "answered; a decline is an answer",
    Exit.ERROR: "error: nothing was changed",
    Exit.USAGE: "usage: the command line could not be read",
    Exit.ALL_REJECTED: "all data rejected: every row went to quarantine",
    Exit.IN_PART: "finished in part: some rows went to quarantine, or some cases could not be answered",
    Exit.LOCKED: "locked by another run",
    Exit.CHECK_FAILED: "a check failed: a replay differs, a file was altered, a model fell short, docs are out of date",
}


class CreditError(Exception):
    """Something the user can act on. `hint` says what to do next and never repeats personal data."""

    code = "error"
    exit = Exit.ERROR
    remedy = "Read the message; it says what to change."

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class FileMissing(CreditError):
    """A file or folder that the command was given is not there, or is empty."""

    code = "file-missing"
    remedy = "Check the path. An empty file is refused too: an export that failed half way often leaves one."


class FileRefused(CreditError):
    """The operating system does not let a file or folder be read or written: it is of another kind, or not ours."""

    code = "file-refused"
    remedy = "Check what lies there, who owns it, and whether the disk is full; `credit doctor` looks at the home."


class WrongFormat(CreditError):
    """A file is not what the format expects."""

    code = "wrong-format"
    remedy = "`credit ledger formats` lists the formats, `credit ledger formats NAME` shows one with a sample."


class BrokenFile(CreditError):
    """A file starts like its format and cannot be read to its end, such as a half-written Parquet file."""

    code = "broken-file"
    remedy = "Fetch or export the file again; nothing of it was imported."


class UnknownSupplier(CreditError):
    """No supplier of that id is known on that date."""

    code = "unknown-supplier"
    remedy = "The hint names the nearest ids. Check `--as-of` too: a supplier is unknown before it registered."


class UnknownContract(CreditError):
    """No contract of that id is known on that date."""

    code = "unknown-contract"
    remedy = "The hint names the nearest ids. Check `--as-of` too: a contract is unknown before it was recorded."


class UnknownName(CreditError):
    """A name that comes from a closed list, such as a product or a bank, is not on it."""

    code = "unknown-name"
    remedy = "The hint names the choices."


class EmptyLedger(CreditError):
    """There is no history to work on."""

    code = "empty-ledger"
    remedy = "`credit ledger import` reads a history, `credit simulate platform` makes one, `credit demo` does it all."


class NoModel(CreditError):
    """No model is champion for this target on this kind of data, or the version asked for does not exist."""

    code = "no-model"
    remedy = "`credit model train loan_default`, then `credit model promote`."


class ModelMismatch(CreditError):
    """The model was made for other features, another catalogue or another kind of data."""

    code = "model-mismatch"
    remedy = "Train the model again on this data; a score from the wrong columns is worse than none."


class PromotionRefused(CreditError):
    """A version may not decide: it has not passed a validation, or who would approve it has trained it."""

    code = "promotion-refused"
    exit = Exit.CHECK_FAILED
    remedy = (
        "`credit model validate` says what is wrong. The approver is another person than the author, by their account "
        "of the operating system; see docs/adr/0013-who-may-approve-a-model.md."
    )


class NotAuthorised(CreditError):
    """Somebody may not decide this: their role, the amount, a knock-out, or what an override does not say."""

    code = "not-authorised"
    exit = Exit.CHECK_FAILED
    remedy = (
        "`roles.toml` in `$CREDIT_HOME` says which account of the operating system is what; `authority.toml` of the "
        "policy says up to which exposure. Maker and checker are two people, and a knock-out is nobody's to override."
    )


class LineRefused(CreditError):
    """A line cannot be accepted, suspended, resumed, renewed or drawn on, as it is or as its decision is."""

    code = "line-refused"
    exit = Exit.CHECK_FAILED
    remedy = (
        "`credit line show` says what the line is and why. An offer that lapsed, or that would not be made today, is "
        "asked for again."
    )


class DrawRefused(CreditError):
    """A draw cannot be requested, paid out, voided, repaid or reversed, as it or its line is."""

    code = "draw-refused"
    exit = Exit.CHECK_FAILED
    remedy = (
        "`credit drawdown show` says what the draw is and what happened to it, `credit line show` what its line is."
    )


class LimitExceeded(CreditError):
    """The database refused it: with it a line, a contract, a group or another pool would be over its limit."""

    code = "limit-exceeded"
    exit = Exit.CHECK_FAILED
    remedy = "`credit exposure show` says what stands under each limit. Others may have drawn on it a moment ago."


class KeyTaken(CreditError):
    """A request key was used before for something else."""

    code = "key-taken"
    exit = Exit.CHECK_FAILED
    remedy = "A key names one request for good: the same request under it has the same answer. Use a new one."


class IdRefused(CreditError):
    """An id or key is blank, longer than the book keeps it, or has characters that cannot be read on a page."""

    code = "id-refused"
    remedy = "Name a payment as its bank does, and a request by a key of your own; a feed's id is mended at its source."


class DatedBack(CreditError):
    """The clock is more than an hour behind what was written last: nothing is written into the past."""

    code = "dated-back"
    remedy = (
        "Set the machine's clock right, or leave `CREDIT_NOW` out. The past is read with `--as-of`, and an old request "
        "is answered again under its key whatever the clock says."
    )


class InFlight(CreditError):
    """A request of the same key is being worked on at this moment."""

    code = "in-flight"
    exit = Exit.LOCKED
    remedy = "Ask again in a moment, under the same key: then its answer is there."


class GuaranteeRefused(CreditError):
    """A guarantee cannot be issued, take effect, fall, be demanded, answered or ended, as it is or as the day is."""

    code = "guarantee-refused"
    exit = Exit.CHECK_FAILED
    remedy = (
        "The hint says what may happen to it now. Days are counted by URDG 758: five business days to examine a "
        "demand, thirty calendar days to extend or pay; docs/walkthroughs shows both."
    )


class AccountRefused(CreditError):
    """A step does not follow from what the collection account of a contract is."""

    code = "account-refused"
    exit = Exit.CHECK_FAILED
    remedy = (
        "`credit account show` says what the account is. The bank locks it, the buyer confirms it; what was unlocked "
        "is locked and confirmed anew."
    )


class ValidationFailed(CreditError):
    """A model did not pass its validation; the failed checks are named, the report says the rest."""

    code = "validation-failed"
    exit = Exit.CHECK_FAILED
    remedy = "Read the report. A threshold is a dated line of `validation.toml`; it is never changed for one model."


class TooFewOutcomes(CreditError):
    """There are not enough outcomes to learn from or to measure with."""

    code = "too-few-outcomes"
    remedy = "Import more outcomes; at least five of each kind are needed for five folds."


class MixedOutcomes(CreditError):
    """Some outcomes of a target carry dates and some do not: the model would be neither predictive nor concurrent."""

    code = "mixed-outcomes"
    remedy = "Import the dates with a correction of the undated rows, or keep the two kinds in ledgers of their own."


class PolicyBroken(CreditError):
    """A policy file cannot be used: a parameter without value, unit or source, or a rule that does not exist."""

    code = "policy-broken"
    remedy = "`credit policy check` lists all that is wrong with the parameter files."


class ConfigurationBroken(CreditError):
    """A setting cannot be used: a key that there is not, a value of another kind, or a file that cannot be read."""

    code = "configuration-broken"
    remedy = (
        "docs/configuration.md lists the settings, `credit config new` writes a file with all of them, and `credit "
        "config show` says where each value comes from."
    )


class UnknownDecision(CreditError):
    """No decision of that id is stored."""

    code = "unknown-decision"
    remedy = "`credit decision list` shows what is stored."


class ReplayDiffers(CreditError):
    """A replay from ledger, model and policy does not give the stored record."""

    code = "replay-differs"
    exit = Exit.CHECK_FAILED
    remedy = (
        "The differences are listed. A stored value that differs was altered after the decision; a parameter, model "
        "or ledger hash that differs means the input was changed in place instead of by a dated line."
    )


class TrackingDown(CreditError):
    """The tracking server did not take what was handed to it; deciding goes on without it."""

    code = "tracking-down"
    remedy = "Check `tracking.uri` (`credit config show`) and the server; the outbox keeps what was not taken."


class StoreDamaged(CreditError):
    """A file that the program itself wrote is gone, cut short or altered."""

    code = "store-damaged"
    exit = Exit.CHECK_FAILED
    remedy = "Restore the named file from a backup; what the program wrote is never mended by hand."


class ServerAway(CreditError):
    """The database server of the book does not answer, or does not let this account in."""

    code = "server-away"
    remedy = "Start the server, or mend `book.url`; nothing was written, and the same command may be asked again."


class ExportRefused(CreditError):
    """A bank file does not verify, and the first thing wrong is named; or one would take the bank back in time."""

    code = "export-refused"
    exit = Exit.CHECK_FAILED
    remedy = "Do not use the file, and ask the sender to send it again; to write one, do first what the hint says."


class NightRefused(CreditError):
    """A night cannot be run, gone on with or accepted as it is or as the day is."""

    code = "night-refused"
    remedy = "`credit nightly status` says what the last night is. Nights are of days that are over, one after another."


class GateStopped(CreditError):
    """What a night read or found is so far from what is usual that nothing of it is published."""

    code = "gate-stopped"
    exit = Exit.CHECK_FAILED
    remedy = (
        "`credit nightly status` lists what stopped it and where to look. Mend the feed and run the night again, or "
        "have a second person accept it: `credit nightly run --as-of DATE --accept WHY`. Thresholds are dated lines "
        "of `night.toml`."
    )


class NoKey(CreditError):
    """There is no key to sign bank files with, or it is not one, or others can read it."""

    code = "no-key"
    remedy = (
        "`credit export keys new` makes one under `$CREDIT_HOME/keys`; `signing.key` of the configuration names "
        "another place. Only its owner may read it; docs/bank-keys.md says how keys are changed."
    )


class AcknowledgementRefused(CreditError):
    """What a bank sent back about a file names an export or a number that the bank was not sent."""

    code = "acknowledgement-refused"
    exit = Exit.CHECK_FAILED
    remedy = "`credit export list` shows what the bank was sent. Ask it which file it means; nothing was taken in."


class DocsOutdated(CreditError):
    """A generated page differs from what the code says."""

    code = "docs-outdated"
    exit = Exit.CHECK_FAILED
    remedy = "`credit docs build` writes the pages anew."


class AllRejected(CreditError):
    """Every row of an import was rejected."""

    code = "all-rejected"
    exit = Exit.ALL_REJECTED
    remedy = "The quarantine lists each row with file, line, column, value and hint: `credit ledger summary`."


class Locked(CreditError):
    """Another run holds the lock."""

    code = "locked"
    exit = Exit.LOCKED
    remedy = "Wait for the other run; a lock is freed by the operating system when its process ends."


class AlreadyThere(CreditError):
    """The command would overwrite something that it did not make."""

    code = "already-there"
    remedy = "Name another place, or remove the old one yourself."


class MissingExtra(CreditError):
    """The command needs a library or program that comes with an extra and is not installed."""

    code = "missing-extra"
    remedy = "Install the extra that the hint names, or leave out the option that needs it."


ERRORS: tuple[type[CreditError], ...] = (
    FileMissing,
    FileRefused,
    WrongFormat,
    BrokenFile,
    UnknownSupplier,
    UnknownContract,
    UnknownName,
    EmptyLedger,
    NoModel,
    ModelMismatch,
    PromotionRefused,
    NotAuthorised,
    LineRefused,
    DrawRefused,
    LimitExceeded,
    KeyTaken,
    IdRefused,
    DatedBack,
    InFlight,
    GuaranteeRefused,
    AccountRefused,
    ValidationFailed,
    TooFewOutcomes,
    MixedOutcomes,
    PolicyBroken,
    ConfigurationBroken,
    UnknownDecision,
    ReplayDiffers,
    TrackingDown,
    StoreDamaged,
    ExportRefused,
    NightRefused,
    GateStopped,
    NoKey,
    AcknowledgementRefused,
    DocsOutdated,
    AllRejected,
    Locked,
    AlreadyThere,
    MissingExtra,
)
