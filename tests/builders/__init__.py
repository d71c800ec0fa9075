"""What tests of several files are built from: bodies, foci, images."""
