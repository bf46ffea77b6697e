"""The portal: where people connect two systems, and see what happens between them."""
