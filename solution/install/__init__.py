"""Gets the solution into an organisation of Dynamics, keeps it as it has to be, and takes it out again."""
