"""The stages joined: which room is asked in which order, and what happens when one refuses."""
