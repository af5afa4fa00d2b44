"""A trained flow whose parts may come and go."""
