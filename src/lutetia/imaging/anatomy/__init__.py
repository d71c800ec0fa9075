"""Organs: one door, several backends."""
