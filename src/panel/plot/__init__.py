"""The plot of latent space.

plot_view       the plot; plot_controls are the boxes and buttons above it
canvas          draws it: the particles as one picture (raster), above them marks, in colours of theme
plane           its one or two axes: where particles are, which latent point is under a pixel
mouse_modes     mouse events as signals; point_control moves the shown point by them, and by keys and sliders
colouring       the colour of each particle; legend explains them
plot_messages   text over the plot
plot_actions    its menu and buttons; component_pairs is the window of all pairs of axes
path_corners    the corners by which a path is edited, and the commands that make paths
whole_pixels    a fault of matplotlib's canvas, mended
"""
