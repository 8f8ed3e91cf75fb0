"""Who is needed when: arrivals and handling times from the history, and the people whom they ask for."""
