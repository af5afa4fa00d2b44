"""The flow: the canonical map carried by a deformation of the tetrahedral mesh."""
