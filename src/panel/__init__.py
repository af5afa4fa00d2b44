"""The panel: the plot of latent space with its tabs, in Qt. In ChimeraX, and beside slices of the map outside it.

window          the whole panel: it puts the parts together, and is what they know as `PanelServices`
panel_services  what the panel offers to its tabs and actions, and what it calls in a tab
panel_scene     what the panel asks of the host that shows the map
welcome_page    what is shown while nothing is open
status_line     below the plot: the shown point, and whether data support it
plot/           the plot: particles, marks, mouse modes, colours, legend
tabs/           sliders, path, selections, states, what moves; and the play bar
jobs/           the window of jobs: table, log, curves, figures, forms
widgets/        small widgets that know nothing of latents
"""
