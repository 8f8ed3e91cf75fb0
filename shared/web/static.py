"""Static files: ours and those of installed packages, addressed by content so that browsers keep them for good."""

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

OURS = Path(__file__).parent / "static"


def package_dir(package: str, folder: str) -> Path:
    """A folder inside an installed package, without importing it. Raises RuntimeError when it is not installed."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"the package {package} is not installed")
    return Path(next(iter(spec.submodule_search_locations))) / folder


VENDOR = {
    "/static/vendor": package_dir("js_lib_htmx", "static/htmx"),  # htmx.min.js, ext/sse.js…
    "/static/swagger": package_dir("fastapi_offline", "static"),  # the documentation of the API
}


class _Files(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        versioned = b"v=" in scope.get("query_string", b"")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
        return response


def mounts() -> list[Mount]:
    """Packages' files before `/static`: the first that matches answers."""
    OURS.mkdir(exist_ok=True)
    vendor = [Mount(url, _Files(directory=folder)) for url, folder in VENDOR.items()]
    return [*vendor, Mount("/static", _Files(directory=OURS), name="static")]


@cache
def _version(file: Path, _modified_ns: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def url(path: str) -> str:
    """`app.css` → `/static/app.css?v=<hash of its content>`; without a version when there is no such file."""
    public = f"/static/{path}"
    for prefix, folder in (*VENDOR.items(), ("/static", OURS)):
        if public.startswith(prefix + "/"):
            file = folder / public.removeprefix(prefix + "/")
            try:
                return f"{public}?v={_version(file, file.stat().st_mtime_ns)}"
            except FileNotFoundError:
                break
    return public
