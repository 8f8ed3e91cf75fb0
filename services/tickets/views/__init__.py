"""Read models: what the pages show and the API returns, from the same queries."""
