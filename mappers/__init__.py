"""Pure translations between Dynamics rows, our own values and Xero documents."""
