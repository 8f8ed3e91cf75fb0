"""Brings the catalogs up to date with the sentences in code and templates: `python -m shared.web.messages`."""

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from shared.web.i18n import CATALOG_DIR, DOMAIN, LANGUAGES, LOCALES

ROOT = Path(__file__).parent.parent.parent
PLACES = ("shared", "services", "local")
ERRORS = (
    "Invalid",
    "NotSignedIn",
    "Forbidden",
    "NotFound",
    "Conflict",
    "TooLarge",
    "UnsupportedMedia",
    "TooMany",
    "Unavailable",
    "ConfirmRelease",
    "UnreadableAudio",  # what is wrong with a recording is shown with it
    "EngineFailed",
)
# The function that is called -> which of its arguments are sentences. Errors are raised with sentences.
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "N_": None,
    "ngettext": (1, 2),
    "translate": (2,),
    "ntranslate": (2, 3),
    **dict.fromkeys(ERRORS, (1,)),
}
SCREEN = {"say": (1,)}  # Screen.say of the services' pages; elsewhere `say` may print to a terminal
# Without dates and names: they would change with every run.
HEADER = """msgid ""
msgstr ""
"Project-Id-Version: Centralita\\n"
"Language: {language}\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]


def extracted() -> Catalog:
    """Every sentence that the code and the templates may show."""
    catalog = Catalog(project="Centralita", charset="utf-8", fuzzy=False)
    for place in PLACES:
        if not (ROOT / place).is_dir():
            continue
        keywords = KEYWORDS | SCREEN if place == "services" else KEYWORDS
        for name, line, message, comments, context in extract_from_dir(
            ROOT / place, METHODS, {"**/templates/**.html": {"silent": "false", "trimmed": "true"}}, keywords
        ):
            del line  # line numbers only make noise in the history
            catalog.add(message, locations=[(f"{place}/{name}", 0)], auto_comments=comments, context=context)
    return catalog


def catalog_path(language: str) -> Path:
    return CATALOG_DIR / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(language: str) -> Catalog:
    with catalog_path(language).open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def untranslated(language: str, template: Catalog) -> list[str]:
    """Sentences without a translation in this catalog."""
    catalog = read(language)
    missing = []
    for message in template:
        if not message.id:
            continue
        found = catalog.get(message.id)
        strings = found.string if found is not None and not found.fuzzy else ""
        parts = strings if isinstance(strings, (tuple, list)) else (strings,)
        if not parts or not all(parts):
            missing.append(message.id if isinstance(message.id, str) else message.id[0])
    return missing


def update() -> dict[str, list[str]]:
    """Rewrite both catalogs; English is filled in with the sentences themselves. Returns what is missing."""
    missing: dict[str, list[str]] = {}
    for language in LANGUAGES:
        template = extracted()  # anew each time: a catalog that is updated takes over the template's own messages
        path = catalog_path(language)
        known = {message.id: message.string for message in read(language) if message.id} if path.exists() else {}
        catalog = Catalog(locale=LOCALES[language], domain=DOMAIN, project="Centralita", fuzzy=False)
        for message in template:
            if message.id:
                string = message.id if language == "en" else known.get(message.id, "")
                catalog.add(message.id, string, locations=message.locations)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(HEADER.format(language=language).encode())
            write_po(file, catalog, width=120, sort_output=True, include_lineno=False, omit_header=True)
        missing[language] = untranslated(language, template)
    return missing


if __name__ == "__main__":
    left = update()
    for language, sentences in left.items():
        for sentence in sentences:
            sys.stdout.write(f"{language}: {sentence!r} has no translation\n")
    sys.exit(1 if any(left.values()) else 0)
