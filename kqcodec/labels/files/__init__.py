"""The files that hold label maps: what each kind says about ids, read and written."""
