"""What do labels mean: which classes does a label map name, and where are its segments?"""
