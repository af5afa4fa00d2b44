"""What ChimeraX calls: each method imports what it needs, when it is needed."""

from __future__ import annotations

from chimerax.core.toolshed import BundleAPI


class _FlexRecBundle(BundleAPI):
    api_version = 1

    @staticmethod
    def register_command(bundle_info, command_info, logger) -> None:
        """Tell ChimeraX the commands, all at once."""
        from .commands.register import register_all

        register_all(logger)

    @staticmethod
    def start_tool(session, bundle_info, tool_info):
        """Show the panel."""
        from .panel_in_chimerax.tool import FlexRecTool

        return FlexRecTool.shown(session)

    @staticmethod
    def run_provider(session, name, manager, **keywords):
        """Open a project folder, or run the command of a toolbar button."""
        if manager is session.open_command:
            from .commands.opener import FlexRecOpener

            return FlexRecOpener()
        if manager is session.toolbar:
            from .commands.toolbar import press

            press(session, name)
        return None

    @staticmethod
    def get_class(name):
        """Classes that sessions hold."""
        if name == "FlexRecTool":
            from .panel_in_chimerax.tool import FlexRecTool

            return FlexRecTool
        if name == "MapModel":
            from .scene.map_volume import MapModel

            return MapModel
        if name == "FlexRecModel":
            from .scene.scene_model import FlexRecModel

            return FlexRecModel
        if name == "ReconstructedMaps":
            from .scene.reconstructed_maps import ReconstructedMaps

            return ReconstructedMaps
        return None


bundle_api = _FlexRecBundle()
