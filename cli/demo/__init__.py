"""`connector demo`: everything on loopback against the simulators, with a sales user at work."""
