"""The rules room: scales, tables, rollups and profiles, as cited YAML and a three-valued engine. No pixels."""
