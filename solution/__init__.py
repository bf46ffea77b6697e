"""The connector's solution for Dynamics: what it holds, the package made of it, and how that gets into Dynamics."""
