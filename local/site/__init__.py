"""The demo's page: sign-ins, what customers received, and forms to write and to call as one."""
