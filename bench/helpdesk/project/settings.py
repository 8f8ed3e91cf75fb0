"""Settings of the Django project, as django-helpdesk's documentation has them; places come by BENCH_HELPDESK."""

import json
import os
from typing import Any

_given: dict[str, Any] = json.loads(os.environ["BENCH_HELPDESK"])

SECRET_KEY = "of-a-folder-that-is-thrown-away"
DEBUG = False
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.sites",
    "django.contrib.messages",
    "django.contrib.admin",
    "django.contrib.humanize",
    "rest_framework",
    "helpdesk",
]
HELPDESK_TEAMS_MODE_ENABLED = False  # else it wants another package, for the owners of its knowledge base
SITE_ID = 1
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "project.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", **_given["database"]}}
USE_TZ = True
MEDIA_ROOT = _given["folder"]
EMAIL_HOST = "127.0.0.1"
EMAIL_PORT = _given["smtp_port"]
EMAIL_HOST_USER = _given["smtp_user"]
EMAIL_HOST_PASSWORD = _given["smtp_password"]
DEFAULT_FROM_EMAIL = _given["smtp_user"]
