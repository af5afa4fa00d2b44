"""FlexRec: molecules that move, from cryo-EM images to maps, meshes and models that move together."""
