"""Pictures larger than memory, many processes, and Dask."""
