"""Which colours stand for a picture, and which of them does each pixel get?"""
