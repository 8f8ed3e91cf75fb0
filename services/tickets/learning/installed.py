"""Which trained model reads messages: the one that came with the software, or the operator's own if it can be used.

What the operator's has learned of languages is read with it.
"""

import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import structlog

from services.tickets.topics import taxonomy
from services.tickets.triage.features import blocks
from services.tickets.triage.meaning import lexicon
from services.tickets.triage.model import Model, OtherIdeas, load, model, shipped, use
from services.tickets.urgency.kinds import Kind
from shared import health
from shared.database import Database
from shared.language import words
from shared.settings import Settings
from shared.web.i18n import N_

log = structlog.get_logger(__name__)
SERVICE, KEY = "tickets", "triage_model"
MISSING = N_("The trained model that is set is not there. Messages are read with the one that came with Centralita.")
BROKEN = N_("The trained model that is set is no model. Messages are read with the one that came with Centralita.")
OTHER_VERSION = N_(
    "The trained model that is set was made for another version of Centralita. Messages are read with the one that "
    "came with this version."
)
HINT = N_(
    "Look at CENTRALITA_TRIAGE_MODEL. «make model OUT=…» writes a new file; then start the tickets services again."
)


class BadModel(Exception):
    """Why a file cannot be used: one of the sentences above."""


@dataclass(frozen=True)
class InUse:
    """What reads messages in this process. `path`: of the operator's file; None: it came with the software."""

    version: str
    path: Path | None


def read_model(path: Path) -> Model:
    """The model in the file, if this version of the software can use it. Raises BadModel."""
    try:
        found = load(BytesIO(path.read_bytes()))
    except FileNotFoundError:
        raise BadModel(MISSING) from None
    except OtherIdeas as error:
        raise BadModel(OTHER_VERSION) from error
    except (OSError, KeyError, ValueError, EOFError, IndexError, TypeError, zipfile.BadZipFile) as error:
        raise BadModel(BROKEN) from error
    features = (blocks()[-1],)
    fits = (
        set(found.topics) == set(taxonomy())
        and found.weighting.idf.shape == (blocks()[4],)
        and found.weights.shape == (*features, len(found.topics))
        and found.danger_weights.shape == features
        and set(found.kinds) <= set(Kind)
        and found.kind_weights.shape == (*features, len(found.kinds))
        and found.reader.fits(len(lexicon().places), len(found.topics))
        and found.leaning.fits(*features, len(found.topics))
    )
    if not fits:
        raise BadModel(OTHER_VERSION)
    topics, kinds = (found.weights, found.bias), (found.kind_weights, found.kind_bias, found.kind_alarms)
    leaning = (found.leaning.weights, found.leaning.topics, found.leaning.bias)
    figures = (*topics, *kinds, *leaning, found.danger_weights, found.weighting.idf)
    if not all(np.isfinite(each).all() for each in figures) or not 0 < found.alarm <= 1 or found.temperature <= 0:
        raise BadModel(BROKEN)
    return found


def _languages(found: Model) -> words.Learned | None:
    """By which languages are read with this model; None: by what came with the software. Raises BadModel."""
    if found.language is None:
        return None
    try:
        return words.of_json(found.language)
    except (KeyError, TypeError, ValueError) as error:
        raise BadModel(BROKEN) from error


_refused: str | None = None


def install(settings: Settings) -> str | None:
    """Read with the model of the settings from now on. The sentence why that cannot be: then the shipped one reads."""
    global _refused
    _refused = None
    use(None)
    words.use(None)
    if settings.triage_model is not None:
        try:
            found = read_model(settings.triage_model)
            words.use(_languages(found))
            use(found)
        except BadModel as error:
            _refused = str(error)
            log.exception("model.refused", path=str(settings.triage_model))
        else:
            log.info("model.installed", path=str(settings.triage_model), version=model().version)
    return _refused


async def tell(database: Database) -> None:
    """A problem on the page Health while the operator's model cannot be used."""
    if _refused is None:
        await health.resolve(database, SERVICE, KEY)
    else:
        await health.report(database, SERVICE, KEY, _refused, HINT)


def in_use(settings: Settings) -> InUse:
    """Of this process."""
    reading = model()
    own = settings.triage_model is not None and reading is not shipped()
    return InUse(reading.version, settings.triage_model if own else None)
