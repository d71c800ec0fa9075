"""The report: one content, built from the record, rendered as HTML and as PDF."""
