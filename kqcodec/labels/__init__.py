"""Labels that mean something: label maps, and segments of a picture."""
