"""The tabs beside the plot, each a `PanelTab` or a widget of its own, and the play bar.

sliders_tab        a slider for each axis
path_tab           making and editing paths; play_bar plays and records them
select_tab         selections of particles; selection_actions are its buttons, montage shows the images
states_tab         named states and their comparison
moving_tab         mesh, flow arrows and atoms, in ChimeraX alone
"""
