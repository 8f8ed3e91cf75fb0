"""Ask the service in this container whether it is ready: `python -m shared.ready PORT`, the health check of Compose.

A command of its own, without blanks in its arguments: Podman splits them there when Docker Compose talks to it.
"""

import http.client
import sys


def main(arguments: list[str]) -> int:
    """0 when `/readyz` on 127.0.0.1 says so (never through a proxy), else 1, with the answer or the error printed."""
    (port,) = arguments
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=5)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        sys.stdout.write(f"{answer.read().decode(errors='replace')}\n")
    except (OSError, http.client.HTTPException) as error:
        sys.stdout.write(f"{error!r}\n")
        return 1
    finally:
        connection.close()
    return 0 if answer.status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
