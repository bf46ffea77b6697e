"""A company at work between both simulators, and the processes of the connector: for the demo, benchmarks, tests."""
