"""Ingress: proves who speaks, turns the body into events, publishes them to the inbox, answers. Looks nothing up."""
