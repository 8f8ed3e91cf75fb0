"""Where django-helpdesk's pages stand: its mails name them."""

from django.urls import include, path  # type: ignore[import-not-found]

urlpatterns = [path("helpdesk/", include("helpdesk.urls", namespace="helpdesk"))]
