# The voicemail service: its application and its worker (transcription, spool, greetings) from one image.
FROM docker.io/library/python:3.11.14-slim-bookworm AS build
# Where pip finds CPU builds of torch, if it should look anywhere else than it does by itself.
ARG PIP_EXTRA_INDEX_URL
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY shared shared
COPY services/__init__.py services/__init__.py
COPY services/voicemail services/voicemail
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir -c constraints.txt '.[voicemail]'

FROM docker.io/library/python:3.11.14-slim-bookworm
# What reads drafts of greetings aloud.
RUN apt-get update && apt-get install -y --no-install-recommends espeak-ng && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /srv/centralita centralita \
    && mkdir -p /srv/centralita/blobs /srv/centralita/models /srv/asterisk/voicemail \
    && chown -R centralita:centralita /srv
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv/centralita
USER 10001:10001
EXPOSE 8001
CMD ["python", "-m", "services.voicemail", "web", "--host", "0.0.0.0", "--port", "8001"]
