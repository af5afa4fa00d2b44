"""Movies of states.

film          what a movie shall be like, checked
recorder      decodes, draws and captures each state; film_camera moves the view, inset shows the latent point
"""
