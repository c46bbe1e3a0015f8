"""A small ray-marched diorama studio for the example reference images."""
