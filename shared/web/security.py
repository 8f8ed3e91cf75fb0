"""Response headers, the content security policy, origins and addresses that are safe to be sent on to."""

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.settings import Settings


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def own_origins(settings: Settings) -> list[str]:
    """The applications of this installation: they share cookies, one host, perhaps two ports."""
    return list(dict.fromkeys([origin_of(settings.public_url), origin_of(settings.voicemail_url)]))


def is_own_origin(request: HTTPConnection, settings: Settings, origin: str) -> bool:
    """Ours by the settings, or the very host that this request was sent to."""
    return origin.lower() in own_origins(settings) or urlsplit(origin).netloc.lower() == request.headers.get("host", "")


def safe_next(settings: Settings, wanted: str | None, default: str = "/") -> str:
    """Where to go after signing in: a path here, or an address of our applications; anything else is `default`."""
    if not wanted or any(ord(c) < 33 or c == "\\" or ord(c) == 127 for c in wanted):
        return default
    if wanted.startswith("/"):
        return default if wanted.startswith("//") else wanted
    try:
        ours = origin_of(wanted) in own_origins(settings) and "@" not in urlsplit(wanted).netloc
    except ValueError:
        return default
    return wanted if ours else default


def content_security_policy(settings: Settings) -> str:
    ours = " ".join(["'self'", *own_origins(settings)])
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            f"connect-src {ours}",
            f"media-src {ours} blob:",  # blob: is what a browser has just recorded
            "frame-src 'self'",
            f"form-action {ours}",
            "manifest-src 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )


class SecurityHeaders:
    """Adds what every response needs; a response that sets one of these headers itself keeps its own."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.defaults = {
            "Content-Security-Policy": content_security_policy(settings),
            "X-Content-Type-Options": "nosniff",
            # Not «same-origin»: a form sent to our other port would then lose its Origin.
            "Referrer-Policy": "strict-origin-when-cross-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-site",
            "Cache-Control": "no-store",  # customers' information stays in no cache
        }
        if settings.secure_cookies:
            self.defaults["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "content-security-policy" not in headers:
                    headers["X-Frame-Options"] = "DENY"
                for name, value in self.defaults.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)
