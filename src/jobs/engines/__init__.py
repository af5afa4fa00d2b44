"""The Python that runs jobs: found, examined, installed."""
