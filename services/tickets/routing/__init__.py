"""Who gets which ticket: eligibility, planning, offers, and what supervisors decide instead."""
