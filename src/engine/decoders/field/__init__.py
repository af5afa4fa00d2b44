"""The field decoder: a coordinate network in Fourier or Hartley space, as in cryoDRGN."""
