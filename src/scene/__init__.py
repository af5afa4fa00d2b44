"""ChimeraX's 3D scene: a map, mesh, flow arrows and atoms that move together, and movies of them.

scene_model        `FlexRecModel`: one trained model in the scene; it puts the parts below together
shown_model        what the parts need of it
map_volume         the map, updated in place; placement says where it lies
moving/            what moves with it, and how it is drawn during a drag
player             plays a path; point_status writes the shown point into the status line
movies/            records a path
state_comparison   the difference of two states, or both side by side; compared_maps makes the volumes
reconstructed_maps the maps of a reconstruct job; map_values says what they are coloured by
colour_key         what colours mean, in a corner of the view; palette has the colours
lighting           soft light for the first picture, plain light during a slow drag
decoding           the engine process of a session; model_client asks it about one model
engine_choice      which Python and device compute; settings stores the user's choices
snapshots          session files and ChimeraX's scenes; saved_project finds the model again
newer_checkpoint   going on with what a training has written since
"""
