"""``flexrec view``: the panel with slices of the map, without ChimeraX."""
