"""Pictures as text that a terminal shows: made to fit, then drawn in one of four ways."""
