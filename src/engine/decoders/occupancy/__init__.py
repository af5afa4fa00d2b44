"""The flow with occupancy: parts that move, and parts that come and go."""
