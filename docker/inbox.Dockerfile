# The inbox: mail in by IMAP, mail out by SMTP. Without speech, screens or numerics.
FROM docker.io/library/python:3.11.14-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY shared shared
COPY services/__init__.py services/__init__.py
COPY services/inbox services/inbox
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir -c constraints.txt '.[inbox]'

FROM docker.io/library/python:3.11.14-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /srv/centralita centralita \
    && mkdir -p /srv/centralita/blobs \
    && chown -R centralita:centralita /srv
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv/centralita
USER 10001:10001
EXPOSE 8080
CMD ["python", "-m", "services.inbox"]
