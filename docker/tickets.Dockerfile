# Tickets: the workspace with its API, and the worker that takes in and routes, from one image.
FROM docker.io/library/python:3.11.14-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY shared shared
COPY services/__init__.py services/__init__.py
COPY services/tickets services/tickets
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir -c constraints.txt '.[tickets]'

FROM docker.io/library/python:3.11.14-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /srv/centralita centralita \
    && mkdir -p /srv/centralita/blobs \
    && chown -R centralita:centralita /srv
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv/centralita
USER 10001:10001
EXPOSE 8000
CMD ["python", "-m", "services.tickets", "web", "--host", "0.0.0.0", "--port", "8000"]
