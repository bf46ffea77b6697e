"""What every process must agree on: events, errors, ids, money, settings, tables, connections, the inbox."""
