"""Which colours does a picture have, how far are they apart, and what does replacing them cost?"""
