"""ChimeraX's 3D scene: maps, mesh, flow arrows and atoms that move together, and movies of them."""
