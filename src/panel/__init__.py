"""The panel: the plot of latent space under the hand, in Qt; in ChimeraX, and beside slices of the map outside it."""
