"""The window of jobs."""
