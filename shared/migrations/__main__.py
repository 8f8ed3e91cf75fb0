"""Bring the database of CENTRALITA_DATABASE_URL up to the newest migration."""

from shared.migrations.upgrade import upgrade
from shared.settings import get_settings

if __name__ == "__main__":
    upgrade(get_settings().database_url.get_secret_value())
