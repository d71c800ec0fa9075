"""Pictures of a study: projections with numbered lesions, fused slices, reference regions. NumPy and Pillow only."""
