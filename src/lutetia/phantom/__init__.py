"""Our own patient, for the demo and the tests."""
