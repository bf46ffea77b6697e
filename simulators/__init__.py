"""Honest opponents: Xero and Dynamics 365 as their documents describe them, sharing no code with the connector."""
