"""The panel's place in ChimeraX: a tool that is docked, and the scene that it is about."""
