"""Models that RECOVAR has computed: a mean map, its eigenvectors, and where the particles lie along them."""
