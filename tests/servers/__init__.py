"""Real mail servers for tests: Dovecot as a private instance, and SMTP that does what a test wants to go wrong."""
