"""The Alembic environment; `python -m shared.migrations` brings a database up to date."""
