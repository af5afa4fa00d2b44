"""What moves with the map.

moving_parts      one model's mesh, arrows and atoms
mesh_model        the mesh; arrows: the flow (flow_look: how it is drawn)
following_atoms   atoms; trace is drawn in their place where pictures are slow; write_atoms saves them
tied_points       points that the mesh carries
dragging          what is drawn during a drag: contour (coarse_contour, shading) in the place of the map
frame_rate        whether a drag needs lighter pictures
"""
