"""Run a night: step by step, none twice, alone, and the nights that were missed before it.

What a step writes gets its name when it is whole, so that whoever runs the same command after this process was killed
goes on where it was. What went wrong is noted with its remedy.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from credit.app import console, exporting, identity, signing
from credit.app.building import Engine
from credit.app.clock import day_of, now
from credit.app.home import Home
from credit.app.night import arrivals, files, keeping
from credit.app.night.engines import run_of
from credit.app.night.gate import INPUT_GATE, RESULT_GATE, accept, stopped
from credit.app.night.report import PAGE, REPORT, metrics
from credit.app.night.run import Run
from credit.app.night.settings import Settings, agreements, champions, fix, refuse_no_folder
from credit.app.night.steps import STEPS, Step
from credit.app.roles import refuse
from credit.domain.authority import Action
from credit.domain.errors import CreditError, EmptyLedger, GateStopped, Locked, NightRefused, NoModel
from credit.domain.progress import Progress, silent

if TYPE_CHECKING:
    from data.nights import Night

TRACKING, TIMES, FAILED = "tracking", "times", "failed"


def run_nights(
    home: Home,
    as_of: date | None,
    *,
    engine: Engine = Engine.DUCKDB,
    master: str = "local[*]",
    accepted: str | None = None,
    catch_up: bool = True,
) -> list[dict[str, Any]]:
    """Run the night of a day, by default yesterday, and before it those that were missed since the last sealed one.

    Answers what each night came to. With `accepted`, why a second person accepts what stopped it. Raises Locked while
    another runs, NightRefused for a day that is not over, GateStopped, NoModel, EmptyLedger.
    """
    refuse(home, Action.NIGHT if accepted is None else Action.ACCEPT, identity.who())
    today = day_of(now())
    wanted = as_of or today - timedelta(days=1)
    if wanted >= today:
        raise NightRefused(f"{wanted} is not over", hint=f"the last day that is over is {today - timedelta(days=1)}")
    nights = home.nights()
    with nights.alone():
        days = list(_due(home, wanted, catch_up=catch_up))
        if accepted is not None and days[:1] != [wanted]:
            raise NightRefused(
                f"the night of {wanted} is not the next one", hint=f"the one to accept is that of {days[0]}"
            )
        return [run_night(home, nights.night(each), engine=engine, master=master, accepted=accepted) for each in days]


def _due(home: Home, wanted: date, *, catch_up: bool) -> Iterator[date]:
    """The nights to run, the first day first: from the one after the last that is sealed, or the first that was begun
    and is not, on. Raises NightRefused where a later one is sealed already.
    """
    sealed = [night.as_of for night in home.nights().sealed()]
    last = sealed[-1] if sealed else date.min
    if sealed and wanted < sealed[-1] and wanted not in sealed:
        raise NightRefused(
            f"the night of {sealed[-1]} is sealed", hint="nights are run in the order of their days, none afterwards"
        )
    if catch_up and last < wanted:
        begun = [night.as_of for night in home.nights().unfinished() if last < night.as_of < wanted]
        first = last + timedelta(days=1) if sealed else min(begun, default=wanted)
        yield from (first + timedelta(days=n) for n in range((wanted - first).days))
    yield wanted


def run_night(home: Home, night: Night, *, engine: Engine, master: str, accepted: str | None) -> dict[str, Any]:
    """Run one night to its seal, from where it was left. Answers its summary; of a sealed one, that is all.

    One that a gate has stopped and that nobody accepted, or that failed for a reason that was named, begins anew, with
    what has arrived and is in force by now; not where a bank has its file already.
    """
    if night.manifest() is None:
        if accepted is not None and night.settings() is None:
            raise NightRefused("the night has not begun", hint="`credit nightly run` without --accept begins it")
        anew = accepted is None and _begins_anew(home, night)
        if anew or night.settings() is None:
            refuse_unready(home)
        if anew:
            night.reopen()
        fix(home, night, engine=engine, master=master)
        run = run_of(home, night)
        if accepted is not None:
            accept(run, accepted, who=identity.who())
        for place, step in enumerate(STEPS, start=1):
            if step.name not in (night.noted(TIMES) or {}):
                _do(replace(run, progress=_watched(f"{night.as_of}, step {place} of {len(STEPS)}: ")), step)
        _seal(run)
        _afterwards(run, TRACKING, "telling tracking", _track)
        _afterwards(run, "compaction", "compacting the ledger", keeping.compact)
    return summary(night)


def _begins_anew(home: Home, night: Night) -> bool:
    """Whether what stopped a night may have been mended by now, and no bank was sent anything of it."""
    from data.nights import SEALING

    settings = night.settings()
    if settings is None or night.noted(SEALING) is not None:
        return False
    if not (stopped(night) or (night.noted(FAILED) or {}).get("mendable", False)):
        return False
    return not files.written(home, night.as_of, settings["banks"])


def refuse_unready(home: Home) -> None:
    """Raise for what would stop a night and is known before it begins: inbox, keys, agreements, parameters."""
    from credit.app.policies import alert_parameters, night_parameters, packs
    from data.exports.banks import load_bank

    refuse_no_folder(home)
    signing.signer(home)
    models = {each["name"]: str(each["version"]) for each in champions(home).values()}
    for file in sorted(agreements(home).glob("*.toml")):
        exporting.refuse_unready(home, load_bank(file), models)
    night_parameters(home.policies)
    alert_parameters(home)
    packs(home)


def _do(run: Run, step: Step) -> None:
    """Do a step, or what is left of it after its folder was put in its place."""
    begun = time.monotonic()
    run.progress(step.says)
    try:
        if run.night.done(step.name) is None:
            with run.night.doing(step.name) as folder:
                found = step.do(run, folder)
                if step.name == "import":
                    _refuse_empty(run, found)
                _keep(folder, found)
        step.after(run)
    except CreditError as error:
        # What a gate stopped is noted by the gate; a lock that another held is no fault of what the night began with.
        mendable = not isinstance(error, (GateStopped, Locked))
        _failed(run, step, error.message, error.hint, mendable=mendable)
        raise
    except Exception as error:
        _failed(run, step, f"something unexpected happened ({type(error).__name__})", "CREDIT_DEBUG=1 shows where")
        raise
    seconds = round(time.monotonic() - begun, 1)
    times = run.night.noted(TIMES) or {}
    run.night.note(TIMES, {**times, step.name: {"seconds": seconds, "ended_at": now().isoformat()}})
    _tell(run, step.name, seconds, _found(run.night, step))


def _afterwards(run: Run, name: str, says: str, do: Callable[[Run], dict[str, Any] | None]) -> None:
    """Do what belongs to no night's result; where there was nothing to do, nothing is told."""
    begun = time.monotonic()
    watched = replace(run, progress=_watched(f"{run.settings.as_of}, after the seal: "))
    watched.progress(says)
    found = do(watched)
    if found is not None:
        _tell(run, name, round(time.monotonic() - begun, 1), found)


def _refuse_empty(run: Run, found: dict[str, Any]) -> None:
    """Raise where after the import there is nobody to score, or no model to score them by: then no night has begun."""
    if found["tiers"]:
        return
    run.night.forget()
    if found["ledger_version"] == 0:
        raise EmptyLedger("the ledger holds no suppliers", hint="put an export into the inbox: `credit nightly --help`")
    raise NoModel("no loan_default model is champion", hint="`credit model train loan_default`, validate and promote")


def _keep(folder: Any, found: dict[str, Any]) -> None:
    from data.durable import write_whole
    from data.nights import DONE, said

    write_whole(folder / DONE, said(found))


def _failed(run: Run, step: Step, message: str, hint: str, *, mendable: bool = False) -> None:
    said = {"step": step.name, "message": message, "hint": hint, "mendable": mendable}
    run.night.note(FAILED, {**said, "at": now().isoformat()})


def _track(run: Run) -> dict[str, Any]:
    """Tell tracking of this night and of those it has not heard of; where it is down, the next night tells it.

    Answers how many nights it was told and how many wait.
    """
    told = 0
    waiting = [night for night in [*run.before(), run.night] if night.noted(TRACKING) is None]
    try:
        for night in waiting:
            document, page = night.document("monitoring", REPORT), night.path("monitoring", PAGE)
            lies = {"path": str(night.folder), "manifest_sha256": night.sealed_as()}
            run.home.tracking().log_night(document, page.read_text(encoding="utf-8"), metrics(document), lies=lies)
            night.note(TRACKING, {"told_at": now().isoformat()})
            told += 1
    except CreditError:
        raise
    except Exception as down:
        run.night.note("tracking-down", {"why": type(down).__name__, "at": now().isoformat()})
    return {"told": told, "waiting": len(waiting) - told}


def _seal(run: Run) -> None:
    as_of = run.settings.as_of
    previous = run.home.nights().last_seal(before=as_of)
    run.night.seal({"as_of": str(as_of), "previous": previous, "exports": files.sent(run.night)})


# -- how it speaks -----------------------------------------------------------------------------------------------------


def _watched(before: str) -> Progress:
    """Progress on a terminal, with what is said `before` it; otherwise nothing but one line a step."""

    def told(step: str, done: float = 0, total: float = 0, /) -> None:
        console.progress(before + step, done, total)

    return told if sys.stderr.isatty() else silent


def _tell(run: Run, name: str, seconds: float, found: dict[str, Any]) -> None:
    counts = _counts(found)
    if sys.stderr.isatty():
        rows = next((value for what, value in counts.items() if what in ("suppliers", "decided", "read")), 0)
        rate = f", {rows / seconds:,.0f} a second" if rows and seconds else ""
        console.progress_done()
        sys.stderr.write(f"  {run.settings.as_of} {name}: {seconds:.1f} s{rate}\n")
        return
    line = {"night": str(run.settings.as_of), "step": name, "seconds": seconds, **counts}
    sys.stderr.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stderr.flush()


def _found(night: Night, step: Step) -> dict[str, Any]:
    """What a step found; what the book step did is noted beside the night."""
    found = night.done(step.name) or {}
    return {**found, **(keeping.counted(night) if step.name == keeping.STEP else {})}


def _counts(found: dict[str, Any]) -> dict[str, int]:
    """What a step counted, summed over the kinds of data."""
    parts = list(found["tiers"].values()) if isinstance(found.get("tiers"), dict) else [found]
    counts: dict[str, int] = {}
    for part in parts:
        for name, value in part.items():
            if isinstance(value, int) and not isinstance(value, bool):
                counts[name] = counts.get(name, 0) + value
            elif name in ("read", "imported", "quarantined"):
                counts[name] = counts.get(name, 0) + sum(value.values())
    return counts


# -- what became of nights ---------------------------------------------------------------------------------------------


def summary(night: Night) -> dict[str, Any]:
    """What a night came to, step by step."""
    document = night.settings()
    assert document is not None
    settings, times = Settings.read(document), night.noted(TIMES) or {}
    failed, sealed = night.noted(FAILED), night.manifest() is not None
    if failed is not None and night.done(failed["step"]) is not None:
        failed = None
    steps = []
    for step in STEPS:
        found = night.done(step.name)
        state = "done" if found is not None else "open"
        if found is None and failed and failed["step"] == step.name:
            state = "failed"
        steps.append({
            "step": step.name, "state": state, "seconds": times.get(step.name, {}).get("seconds"),
            "counts": {} if found is None else _counts(_found(night, step)),
        })  # fmt: skip
    aside = arrivals.set_aside(night)
    gates = [night.done(gate) or {} for gate in (INPUT_GATE, RESULT_GATE)]
    return {
        "as_of": str(settings.as_of),
        "state": "sealed" if sealed else "failed" if failed else "open",
        "started_at": settings.started_at.isoformat(),
        "started_by": settings.started_by,
        "folder": str(night.folder),
        "manifest_sha256": night.sealed_as() if sealed else None,
        "steps": steps,
        "failed": None if sealed else failed,
        "stopped_by": stopped(night),
        "warnings": [each for gate in gates for each in gate.get("findings", [])],
        "refused": aside["refused"],
        "quarantined": aside["quarantined"],
        "misplaced": list(settings.misplaced),
        "not_swept": keeping.not_swept(night),
        "banks": (night.done("bank-files") or {}).get("banks", {}),
        "ahead": (night.done("bank-files") or {}).get("ahead", []),
        "tracked": night.noted(TRACKING) is not None,
    }


def status(home: Home, as_of: date | None) -> dict[str, Any]:
    """What a night came to, by default the last that began. Raises NightRefused where there is none."""
    begun = home.nights().begun()
    if as_of is not None:
        begun = [night for night in begun if night.as_of == as_of]
    if not begun:
        raise NightRefused("no night was run" + (f" of {as_of}" if as_of else ""), hint="`credit nightly run`")
    return summary(begun[-1])
