"""From the inbox to the write-back: the stations that an event passes."""
