"""The panel's place in ChimeraX.

tool             the tool: it docks the panel, and is saved in sessions
chimerax_scene   ChimeraX as the panel's `Scene`: one FlexRec model, and the command line
dock_size        how large the dock is
"""
