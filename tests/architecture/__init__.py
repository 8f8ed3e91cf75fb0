"""Tests that guard the walls of the house: what is true of the source itself."""
