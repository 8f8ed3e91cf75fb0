"""The same mails through django-helpdesk, as it comes from PyPI, beside this product on the same servers."""
