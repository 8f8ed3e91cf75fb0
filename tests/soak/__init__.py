"""The soak: seeded mail of mixed shapes through real servers while everything fails, compared with a calm run."""
