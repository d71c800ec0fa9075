"""What leaves the house: findings.json, tables, pictures, reports, DICOM objects."""
