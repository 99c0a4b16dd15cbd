"""The commands of `kq`, a module each."""
