"""Which bytes stand where in a .kq file, and what is a reader willing to take?"""
