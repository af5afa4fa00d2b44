"""The linear decoder: V₀ + Σ zₖ Vₖ, as in 3D variability analysis."""
