# Brings the database up to date and ends: what the other services wait for.
FROM docker.io/library/python:3.11.14-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY shared shared
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir -c constraints.txt '.'

FROM docker.io/library/python:3.11.14-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /srv/centralita centralita \
    && mkdir -p /srv/centralita \
    && chown -R centralita:centralita /srv
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv/centralita
USER 10001:10001
CMD ["python", "-m", "shared.migrations"]
