"""A Django project with django-helpdesk in it; run by the interpreter of a throw-away environment."""
