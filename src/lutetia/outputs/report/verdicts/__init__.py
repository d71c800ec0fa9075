"""What the rules say, in the report: open questions first, then each system for itself, then the profiles."""
