"""How each number of a report is made, in plain words."""

from __future__ import annotations

MOTION = (
    "Motion",
    "Every particle's state is laid on the mean shape as well as a rigid body can be; the motion is the root mean "
    "square distance that is left, over particles, each place weighted by its density. A molecule that only turns or "
    "slides as a whole has no motion. The motion of one part is how far it moves as the other parts see it: those are "
    "laid on their mean shape instead.",
)
FITTED_GAIN = (
    "Gain on fitted images",
    "How much more likely the moving map makes an image than the same map held rigid, as a natural logarithm (nats). "
    "The model was fitted to these very images, so noise alone gives a gain above 0: by itself it proves nothing. "
    "A training measures it over the map at rest, a null test over the particles' mean shape, which is a better rigid "
    "map and leaves less to gain.",
)
HELD_OUT = (
    "Held-out gain",
    "The same of images that no model was fitted to, of which only a part places the particle and the rest is "
    "compared. Noise gives 0 on average. The number behind ± is the standard error; three times that is taken for "
    "sure.",
)
HALVES = (
    "Agreement of halves",
    "Two models are trained on halves of the particles that share nothing but the mesh; the number is the root mean "
    "square distance between what they make of the same images. If it is as large as the motion, less than half of the "
    "motion is common to both. For this, each state is laid as a whole, in all parts, so the motion beside it is not "
    "the one of a part against the others.",
)
OTHER_HALF = (
    "Images of the other half",
    "How much likelier the map of one half of the particles makes an image of the other half than no map at all, as a "
    "natural logarithm (nats). Half-maps that are blurred alike agree to a fine resolution all the same; this number "
    "is larger only where the density is where the images have it. Where one model has seen both halves, its latents "
    "were fitted to these images.",
)
NULL = (
    "Null test",
    "Images of a rigid molecule are made of the model's own map, at the particles' poses (off by what the training "
    "found poses to be off), through their CTFs and with their noise, and trained in the same way. What that training "
    "finds is what fitting noise gives. A motion must exceed its gain by half a nat for each latent dimension, and by "
    "three standard errors.",
)
RESOLUTION = (
    "Resolution",
    "Where the Fourier shell correlation of two half-maps falls below 0.143. In a training both halves are solved with "
    "the motion of one model, which has seen all images, so this number flatters; it is no resolution to publish.",
)
MAP_RESOLUTION = (
    "Resolution",
    "Where the Fourier shell correlation of two half-maps falls below 0.143: inside a soft mask, corrected for what "
    "the mask does, where that was measured, else without one. The rigid map is solved of the same particles in the "
    "same way, and a change below 3 % is taken for none. If one model has seen both halves, their agreement may be a "
    "little too good.",
)
POSES = (
    "Errors of poses",
    "Root mean square of the small turns and shifts that the training found necessary beside the motion.",
)
JUNK = (
    "Not particles",
    "Share of the images that resemble the molecule so little that they are more likely something else; they count for "
    "nothing.",
)
STRAIN = (
    "Strain",
    "Root mean square of how far the mesh's tetrahedra are stretched or squeezed along their axes.",
)
UNKNOWN = (
    "Unknown share of the latents",
    "How much of the particles' spread along the motion is not told by their images: 0 % where each image places its "
    "particle, 100 % where it says nothing.",
)
