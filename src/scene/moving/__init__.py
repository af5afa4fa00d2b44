"""What moves with the map: contour, mesh, arrows, atoms."""
