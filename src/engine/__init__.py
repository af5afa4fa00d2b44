"""The mathematics in torch: splat, flow, latents, train, generate."""
