"""Jobs that a cluster runs."""
