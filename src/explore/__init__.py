"""What is done with latents, in numpy and scipy: views, paths, clusters, selections, landscapes."""
