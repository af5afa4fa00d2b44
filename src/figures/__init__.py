"""Every picture that a job or an analysis writes."""
