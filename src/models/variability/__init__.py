"""Models of cryoSPARC's 3D Variability Analysis: a map, its components, and the particles' reaction coordinates."""
