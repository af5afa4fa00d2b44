"""The tabs of the panel, and the bars below the plot."""
