"""The engine process: it answers what ChimeraX asks through its pipes, and dies with it (docs/engine_process.md)."""
